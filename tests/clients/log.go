// What a Go program does with the standard library's log: NETWORK ADDRESS.
package main

import (
	"log"
	"net"
	"os"
)

func main() {
	conn, err := net.Dial(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	logger := log.New(conn, "[example]", log.Ldate|log.Lshortfile)
	logger.Println("order 7 filled")
	logger.Printf("order %d is late", 8)
	if err := conn.Close(); err != nil {
		log.Fatal(err)
	}
}
