// Package refusals_test meets every refusal and every close code of a running system over its real interfaces, as somebody who means no good does.
package refusals_test
