package fanout

import (
	"context"
	"log/slog"
	"sync"

	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/system/wire/pb"
)

// outlets holds one ordered stream to each gateway.
type outlets struct {
	byName map[string]*outlet
	conns  []*grpc.ClientConn
	cancel context.CancelFunc
	done   sync.WaitGroup
	log    *slog.Logger
}

func newOutlets(cfg Config, m metrics) (*outlets, error) {
	ctx, cancel := context.WithCancel(context.Background())
	o := &outlets{byName: map[string]*outlet{}, cancel: cancel, log: cfg.Logger}
	for name, address := range cfg.Gateways {
		conn, err := cfg.Network.Client(address)
		if err != nil {
			o.close()
			return nil, err
		}
		o.conns = append(o.conns, conn)
		out := newOutlet(name, pb.NewGatewayClient(conn), cfg.Logger, m)
		o.byName[name] = out
		if cfg.Switches.BatchedPush { // the document's loop uses calls, not streams
			o.done.Go(func() { out.run(ctx) })
		}
	}
	return o, nil
}

func (o *outlets) enqueue(gateway string, d delivery) {
	if out, ok := o.byName[gateway]; ok {
		out.enqueue(d)
		return
	}
	o.log.Warn("presence names a gateway that this worker does not know", "gateway", gateway)
}

func (o *outlets) close() {
	o.cancel()
	for _, out := range o.byName {
		out.wakeUp()
	}
	o.done.Wait()
	for _, c := range o.conns {
		c.Close()
	}
}
