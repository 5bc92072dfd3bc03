module github.com/krm-bypass/krm-bypass

go 1.26
