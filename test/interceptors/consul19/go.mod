module github.com/krm-bypass/krm-bypass/test/interceptors/consul19

go 1.26
