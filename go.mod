module github.com/windhover-io/windhover

go 1.26.8
