// Command inside is the program that tests run in containers: it does what its arguments say.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

func main() {
	args := os.Args[1:]
	for len(args) > 1 {
		switch args[0] {
		case "say":
			fmt.Println(args[1])
		case "show":
			fmt.Println(args[1] + "=" + os.Getenv(args[1]))
		case "exit":
			code, _ := strconv.Atoi(args[1])
			os.Exit(code)
		case "wait": // for the file, a minute or more
			for limit := time.Now().Add(5 * time.Minute); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
				if _, err := os.Stat(args[1]); err == nil {
					break
				}
			}
		case "make":
			if err := os.WriteFile(args[1], nil, 0o666); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		case "ignore":
			signal.Ignore(syscall.SIGTERM)
		case "mark": // the folder, once for each start
			if _, err := os.CreateTemp(filepath.Clean(args[1]), "start-"); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		case "eat": // so many MiB
			n, _ := strconv.Atoi(args[1])
			var kept [][]byte
			for range n {
				b := make([]byte, 1<<20)
				for i := 0; i < len(b); i += 4096 {
					b[i] = 1
				}
				kept = append(kept, b)
			}
			fmt.Println(len(kept))
		}
		args = args[2:]
	}
}
