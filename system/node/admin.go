package node

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/chatlab/chatlab/system/readiness"
	"github.com/chatlab/chatlab/system/resilience"
)

func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// adminHandler serves what operators ask: alive, able to work, the figures, and to let sockets go.
func (n *Node) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", n.readyHandler)
	mux.HandleFunc("POST /drain", n.drainHandler)
	mux.Handle("GET /metrics", promhttp.HandlerFor(n.registry, promhttp.HandlerOpts{}))
	return mux
}

// readyHandler answers 503 with what is away and what to do, or 200 with what the role goes on without.
func (n *Node) readyHandler(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), resilience.Ready.Timeout())
	defer cancel()
	report := n.report(ctx)
	if err := report.Err(); err != nil {
		http.Error(w, "not ready\n"+err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
	for _, f := range report.Without() {
		fmt.Fprintln(w, "without", f)
	}
}

func newUp() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "chat_dependency_up",
		Help: "Whether what this pod depends on answered the last /readyz: 1 yes, 0 no. Without what is needed the pod is not ready.",
	}, []string{"dependency", "needed"})
}

func (n *Node) report(ctx context.Context) readiness.Report {
	report := n.depends.Ask(ctx)
	for _, f := range report {
		up := 1.0
		if f.Err != nil {
			up = 0
		}
		n.up.WithLabelValues(f.Name, strconv.FormatBool(!f.Spare)).Set(up)
	}
	return report
}
