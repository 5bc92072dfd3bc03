module github.com/krm-bypass/krm-bypass/test/interceptors/consul18

go 1.26

require github.com/hashicorp/consul/sdk v0.18.1
