//go:build !race

package bubble_test

const away = 7 * day
