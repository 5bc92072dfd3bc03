module github.com/krm-bypass/krm-bypass/test/containers

go 1.26.0

require (
	github.com/google/go-containerregistry v0.22.1
	github.com/krm-bypass/krm-bypass v0.0.0
	github.com/krm-bypass/krm-bypass/images/build v0.0.0
	github.com/stretchr/testify v1.12.1
	go.yaml.in/yaml/v3 v3.0.5
)

require (
	github.com/docker/cli v29.7.2+incompatible // indirect
	github.com/docker/docker-credential-helpers v0.9.3 // indirect
	github.com/klauspost/compress v1.19.2 // indirect
	github.com/opencontainers/go-digest v1.0.0 // indirect
	github.com/opencontainers/image-spec v1.1.1 // indirect
	github.com/sirupsen/logrus v1.9.4 // indirect
	golang.org/x/sync v0.22.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)

replace (
	github.com/krm-bypass/krm-bypass => ../..
	github.com/krm-bypass/krm-bypass/images/build => ../../images/build
)
