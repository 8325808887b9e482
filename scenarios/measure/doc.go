// Package measure makes numbers from a history in one pass: latencies, counts over time, sampled metrics, and whether the load was as planned.
package measure
