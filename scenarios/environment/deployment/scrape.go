package deployment

import (
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scrape reads one gauge or counter of a pod and adds up its series.
func scrape(ctx context.Context, admin, metric string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	f, ok := families[metric]
	if !ok {
		return 0, fmt.Errorf("pod has no metric %s", metric)
	}
	sum := 0.0
	for _, m := range f.GetMetric() {
		sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	return sum, nil
}

// Scrape is the largest value that a pod of a role has.
func (s *System) Scrape(ctx context.Context, role, metric string) (float64, error) {
	largest := 0.0
	for _, p := range s.livePods() {
		if p.Addresses.Role != role {
			continue
		}
		v, err := scrape(ctx, p.Addresses.Admin, metric)
		if err != nil {
			return 0, err
		}
		largest = max(largest, v)
	}
	return largest, nil
}
