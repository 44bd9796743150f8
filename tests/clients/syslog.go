// What a Go program does with the standard library's log/syslog: NETWORK ADDRESS.
package main

import (
	"log"
	"log/syslog"
	"os"
)

func main() {
	writer, err := syslog.Dial(os.Args[1], os.Args[2], syslog.LOG_USER|syslog.LOG_INFO, "orders")
	if err != nil {
		log.Fatal(err)
	}
	check(writer.Info("order 7 filled"))
	check(writer.Warning("order 8 is late"))
	check(writer.Err("order 9 failed"))
	check(writer.Close())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
