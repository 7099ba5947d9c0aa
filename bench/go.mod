module github.com/psagate/psagate/bench

go 1.26.0
