package ring

import (
	"github.com/datastax/go-cassandra-native-protocol/primitive"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

// Level is how many replicas must take part.
type Level = primitive.ConsistencyLevel

// required is the number of replicas, of factor, that a level needs. There is one data center: it is the local one.
func required(l Level, factor int) (int, error) {
	switch l {
	case primitive.ConsistencyLevelAny, primitive.ConsistencyLevelOne, primitive.ConsistencyLevelLocalOne:
		return 1, nil
	case primitive.ConsistencyLevelTwo:
		return 2, nil
	case primitive.ConsistencyLevelThree:
		return 3, nil
	case primitive.ConsistencyLevelQuorum, primitive.ConsistencyLevelLocalQuorum, primitive.ConsistencyLevelEachQuorum:
		return factor/2 + 1, nil
	case primitive.ConsistencyLevelAll:
		return factor, nil
	case primitive.ConsistencyLevelSerial, primitive.ConsistencyLevelLocalSerial:
		return 0, cqlerror.Invalid("the consistency levels SERIAL and LOCAL_SERIAL are not supported by this server")
	}
	return 0, cqlerror.Protocol("Unknown consistency level %d", uint16(l))
}
