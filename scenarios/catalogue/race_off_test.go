//go:build !race

package catalogue_test

const raceDetector = false
