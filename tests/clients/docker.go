// What Docker's logging drivers send of a container that writes numbered lines, by their own code:
// DRIVER COUNT OPTION=VALUE... A line for which a driver reports an error is lost, as in Docker.
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/daemon/logger"
	_ "github.com/docker/docker/daemon/logger/fluentd"
	_ "github.com/docker/docker/daemon/logger/gelf"
	_ "github.com/docker/docker/daemon/logger/splunk"
	_ "github.com/docker/docker/daemon/logger/syslog"
)

func main() {
	name, options := os.Args[1], map[string]string{"tag": "{{.Name}}"}
	count, err := strconv.Atoi(os.Args[2])
	fatal(err)
	for _, option := range os.Args[3:] {
		key, value, _ := strings.Cut(option, "=")
		options[key] = value
	}
	create, err := logger.GetLogDriver(name)
	fatal(err)
	driver, err := create(logger.Info{
		Config:              options,
		ContainerID:         "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
		ContainerName:       "/orders",
		ContainerEntrypoint: "/usr/bin/orders",
		ContainerImageID:    "sha256:8796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978",
		ContainerImageName:  "shop/orders:1.2",
		ContainerCreated:    time.Now(),
		DaemonName:          "docker",
	})
	fatal(err)
	for number := 1; number <= count; number++ {
		message := logger.NewMessage()
		message.Line = append(message.Line, fmt.Sprintf("thread 1 number %d", number)...)
		message.Source = "stdout"
		message.Timestamp = time.Now()
		if err := driver.Log(message); err != nil {
			log.Print(err)
		}
		time.Sleep(time.Millisecond)
	}
	fatal(driver.Close())
}

func fatal(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
