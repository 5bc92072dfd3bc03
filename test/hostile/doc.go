// Package hostile gives the built commands what nobody writes by accident, and
// holds them to bounded memory and work, to a clear error where there is one,
// and to losing nothing.
//
// Memory is the largest resident set that the kernel has seen of the process;
// work is what the same input allocates in this process, twice the input
// against once. The time of the processors is judged where an input could make
// it grow with the square of its size: at four times the input it takes less
// than ten times as long. Otherwise only what would never end is ended.
package hostile
