// What the clients in Go share: checks that go on after a failure, and the end. It is built into each of them.
package main

import (
	"context"
	"fmt"
	"os"
	"reflect"
)

var (
	checks int
	failed []string
	all    = context.Background()
)

func check(what string, got, wanted any) {
	checks++
	if !reflect.DeepEqual(got, wanted) {
		failed = append(failed, fmt.Sprintf("%s: wanted %#v, got %#v", what, wanted, got))
	}
}

// succeeds says whether there was no error.
func succeeds(what string, err error) bool {
	checks++
	if err != nil {
		failed = append(failed, fmt.Sprintf("%s: wanted success, got %v", what, err))
	}
	return err == nil
}

// report prints `ok` and the number of checks, or a sentence for each that failed, and ends the client.
func report() {
	for _, sentence := range failed {
		fmt.Fprintln(os.Stderr, sentence)
	}
	if len(failed) > 0 {
		os.Exit(1)
	}
	fmt.Printf("ok checks=%d\n", checks)
}
