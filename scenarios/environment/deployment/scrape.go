package deployment

import (
	"context"
	"fmt"
	"net/http"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// family reads one metric of a pod; nil: the pod has none yet.
func family(ctx context.Context, admin, metric string) (*dto.MetricFamily, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	return families[metric], nil
}

// scrape reads one gauge or counter of a pod and adds up its series.
func scrape(ctx context.Context, admin, metric string) (float64, error) {
	f, err := family(ctx, admin, metric)
	if err != nil {
		return 0, err
	}
	if f == nil {
		return 0, fmt.Errorf("pod has no metric %s", metric)
	}
	sum := 0.0
	for _, m := range f.GetMetric() {
		sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	return sum, nil
}

// Totals adds up a counter over all pods of a role, by the value of a label. A pod that has not counted anything yet
// adds nothing.
func (s *System) Totals(ctx context.Context, role, metric, label string) (map[string]float64, error) {
	sums := map[string]float64{}
	for _, p := range s.livePods() {
		if p.Addresses.Role != role {
			continue
		}
		f, err := family(ctx, p.Addresses.Admin, metric)
		if err != nil {
			return nil, err
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == label {
					sums[l.GetValue()] += m.GetCounter().GetValue()
				}
			}
		}
	}
	return sums, nil
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
