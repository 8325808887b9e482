//go:build race

package catalogue_test

// raceDetector says that everything runs several times slower than it is: promises still hold, times mean nothing.
const raceDetector = true
