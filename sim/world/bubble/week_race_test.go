//go:build race

package bubble_test

const away = day // the race detector makes a week last minutes, and shows nothing more in it
