// Package deploy holds what operators need to run the system: image, compose file, manifests, alert rules and the dashboard, which it generates.
package deploy

import "encoding/json"

// panel is one graph: a question that an operator asks, and how Prometheus answers it.
type panel struct {
	title, unit, legend, expr string
	alert                     float64 // a line in the graph, from which an alert tells; 0: none
}

// row is a line of the dashboard.
type row struct {
	title  string
	panels []panel
}

// quantile is the p99 of a histogram.
func quantile(name, by string) string {
	return "histogram_quantile(0.99, sum by (le" + by + ") (rate(" + name + "_bucket[$__rate_interval])))"
}

func rate(name, by string) string {
	return "sum by (" + by + ") (rate(" + name + "[$__rate_interval]))"
}

// rows are the list of metrics that the dashboard shows, the reference design's six first.
func rows() []row {
	return []row{
		{"The six of the document", []panel{
			{"Connections per gateway", "short", "{{instance}}", "chat_gateway_connections", 40_000},
			{"Consumer lag per partition", "short", "{{partition}}", "max by (partition) (chat_consumer_lag_records)", 1000},
			{"Delivery p99", "s", "p99", quantile("chat_delivery_duration_seconds", ""), 0.1},
			{"Signs of life", "ops", "{{result}}", rate("chat_gateway_heartbeats_total", "result"), 0},
			{"Questions to the message cache", "ops", "{{result}}", rate("chat_cache_reads_total", "result"), 0},
			{"Cassandra write p99", "s", "p99", quantile("chat_cassandra_write_duration_seconds", ""), 0.05},
		}},
		{"Way in", []panel{
			{"Requests", "reqps", "{{route}} {{code}}", rate("chat_edge_requests_total", "route, code"), 0},
			{"Request p99", "s", "{{route}}", quantile("chat_edge_request_duration_seconds", ", route"), 0},
			{"Sends by outcome", "ops", "{{outcome}}", rate("chat_message_send_duration_seconds_count", "outcome"), 0},
			{"Send p99", "s", "p99", quantile("chat_message_send_duration_seconds", ""), 0},
			{"Sends that wait for a group's limit", "short", "{{instance}}", "chat_group_limit_queue_length", 0},
		}},
		{"Way out", []panel{
			{"Pushes to sockets", "ops", "{{instance}}", rate("chat_gateway_pushes_total", "instance"), 0},
			{"Bytes that wait for sockets", "bytes", "{{instance}}", "chat_gateway_outbox_bytes", 0},
			{"Sessions ahead of what pods know of them", "short", "{{instance}}", "chat_gateway_unreported_sessions", 0},
			{"Closed sessions", "ops", "{{code}}", rate("chat_gateway_closes_total", "code"), 0},
			{"Deliveries given up", "ops", "{{instance}}", rate("chat_fanout_given_up_total", "instance"), 0},
			{"Age of the oldest record at work", "s", "{{partition}}", "max by (partition) (time() - (chat_consumer_oldest_record_timestamp_seconds > 0))", 6 * 3600},
			{"Partitions held", "short", "{{instance}}", "chat_fanout_partitions_held", 0},
			{"Breakers", "short", "{{instance}} {{call}} {{callee}}", "max by (instance, call, callee) (chat_breaker_state)", 2},
			{"Retries", "ops", "{{call}} {{callee}}", rate("chat_retries_total", "call, callee"), 0},
			{"Retries that a budget withheld", "ops", "{{call}} {{callee}}", rate("chat_retries_withheld_total", "call, callee"), 0},
			{"Store reads by call", "ops", "{{call}}", rate("chat_store_reads_total", "call"), 0},
			{"Store writes by table", "ops", "{{table}}", rate("chat_store_writes_total", "table"), 0},
			{"Dead letters", "short", "all", "sum(chat_dead_letters_total)", 0},
			{"Readers built again", "ops", "{{reason}}", rate("chat_kafka_reader_rebuilds_total", "reason"), 0},
			{"What does not answer", "short", "{{instance}} {{dependency}}", "chat_dependency_up == 0", 0},
		}},
	}
}

// Dashboard is the Grafana dashboard as JSON.
func Dashboard() ([]byte, error) {
	var panels []map[string]any
	y, id := 0, 0
	for _, r := range rows() {
		id++
		panels = append(panels, map[string]any{"id": id, "type": "row", "title": r.title, "gridPos": map[string]int{"x": 0, "y": y, "w": 24, "h": 1}})
		y++
		for i, p := range r.panels {
			id++
			panels = append(panels, p.json(id, 8*(i%3), y+8*(i/3)))
		}
		y += 8 * ((len(r.panels) + 2) / 3)
	}
	return json.MarshalIndent(map[string]any{
		"uid": "chat", "title": "Chat", "schemaVersion": 39, "refresh": "10s", "time": map[string]string{"from": "now-1h", "to": "now"},
		"templating": map[string]any{"list": []any{map[string]any{"name": "source", "type": "datasource", "query": "prometheus"}}},
		"panels":     panels,
	}, "", "  ")
}

func (p panel) json(id, x, y int) map[string]any {
	source := map[string]string{"type": "prometheus", "uid": "${source}"}
	steps := []any{map[string]any{"color": "green", "value": nil}}
	if p.alert > 0 {
		steps = append(steps, map[string]any{"color": "red", "value": p.alert})
	}
	return map[string]any{
		"id": id, "type": "timeseries", "title": p.title, "datasource": source, "gridPos": map[string]int{"x": x, "y": y, "w": 8, "h": 8},
		"targets": []any{map[string]any{"refId": "A", "expr": p.expr, "legendFormat": p.legend, "datasource": source}},
		"fieldConfig": map[string]any{"defaults": map[string]any{
			"unit": p.unit, "thresholds": map[string]any{"mode": "absolute", "steps": steps},
			"custom": map[string]any{"thresholdsStyle": map[string]string{"mode": "line"}},
		}},
	}
}
