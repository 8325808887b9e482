// Package pb holds the gRPC messages between roles, generated from chat.proto.
package pb

//go:generate protoc --go_out=../../.. --go_opt=module=github.com/chatlab/chatlab --go-grpc_out=../../.. --go-grpc_opt=module=github.com/chatlab/chatlab -I . chat.proto
