module github.com/attnbench/attnbench

go 1.26
