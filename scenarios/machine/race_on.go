//go:build race

package machine

// RaceDetector says that everything runs several times slower than it is: promises still hold, times mean nothing.
const RaceDetector = true
