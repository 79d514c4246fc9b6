// Command load drives one broker at the level of the protocol, so that what is measured is the broker and not a
// client: it sends prepared frames over some connections with some requests outstanding on each, and checks every
// answer. It prints one JSON line.
//
//	load send -address 127.0.0.1:10911 -topic T -queues 8 -size 1024 -connections 16 -outstanding 64 -count 100000
//	load send … -topics 1250 -batch 32
//	load e2e -address 127.0.0.1:10911 -topic T -queues 8 -rate 1000 -count 10000
//	load pull -address 127.0.0.1:10911 -topic T -queues 8 -connections 8 -count 400000
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"sync"
	"time"
)

// options is what a run is asked for.
type options struct {
	address     string
	topic       string
	topics      int
	queues      int
	batch       int
	rate        int
	pace        int
	size        int
	connections int
	outstanding int
	count       int
	mixed       bool
}

// share is what one connection has done.
type share struct {
	messages  int
	requests  int
	latencies []uint32 // microseconds, one per request
	codes     map[int]int
	err       error
}

func newShare(requests int) *share {
	return &share{latencies: make([]uint32, 0, requests), codes: map[int]int{}}
}

func (s *share) took(began int64) {
	s.requests++
	s.latencies = append(s.latencies, uint32((time.Now().UnixNano()-began)/1000))
}

type summary struct {
	Messages  int         `json:"messages"`
	Requests  int         `json:"requests"`
	Seconds   float64     `json:"seconds"`
	PerSecond float64     `json:"perSecond"`
	P50Micros uint32      `json:"p50Micros"`
	P99Micros uint32      `json:"p99Micros"`
	Codes     map[int]int `json:"codes"`
	Error     string      `json:"error,omitempty"`
}

func sum(shares []*share, seconds float64) summary {
	total := summary{Seconds: seconds, Codes: map[int]int{}}
	var latencies []uint32
	for _, one := range shares {
		total.Messages += one.messages
		total.Requests += one.requests
		latencies = append(latencies, one.latencies...)
		for code, n := range one.codes {
			total.Codes[code] += n
		}
		if one.err != nil {
			total.Error = one.err.Error()
		}
	}
	sort.Slice(latencies, func(i, j int) bool { return latencies[i] < latencies[j] })
	if len(latencies) > 0 {
		total.P50Micros = latencies[len(latencies)/2]
		total.P99Micros = latencies[len(latencies)*99/100]
	}
	total.PerSecond = float64(total.Messages) / seconds
	return total
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: load send|pull|e2e [options]")
		os.Exit(2)
	}
	run := map[string]func(options, int) *share{"send": sendShare, "pull": pullShare, "e2e": endToEndShare}[os.Args[1]]
	if run == nil {
		fmt.Fprintf(os.Stderr, "unknown mode %q\n", os.Args[1])
		os.Exit(2)
	}
	var o options
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	flags.StringVar(&o.address, "address", "", "host:port of the broker")
	flags.StringVar(&o.topic, "topic", "bench", "topic, which must exist")
	flags.IntVar(&o.topics, "topics", 1, "with more than one, topics T-0000, T-0001, … (send)")
	flags.IntVar(&o.queues, "queues", 8, "queues of a topic, at most 10")
	flags.IntVar(&o.batch, "batch", 1, "messages in a request (send)")
	flags.IntVar(&o.rate, "rate", 1000, "messages a second (e2e)")
	flags.IntVar(&o.pace, "pace", 0, "messages a second in all, each counted from when it was due (send, outstanding 1)")
	flags.IntVar(&o.size, "size", 1024, "bytes of a body")
	flags.IntVar(&o.connections, "connections", 1, "connections")
	flags.IntVar(&o.outstanding, "outstanding", 1, "requests outstanding on each connection (send)")
	flags.BoolVar(&o.mixed, "mixed", false, "each connection is another kind of client (send)")
	flags.IntVar(&o.count, "count", 10000, "messages in all")
	if err := flags.Parse(os.Args[2:]); err != nil {
		os.Exit(2)
	}

	if os.Args[1] == "e2e" {
		o.connections = o.queues + 1
	}
	shares := make([]*share, o.connections)
	var running sync.WaitGroup
	began := time.Now()
	for i := range shares {
		running.Add(1)
		go func(i int) {
			defer running.Done()
			shares[i] = run(o, i)
		}(i)
	}
	running.Wait()
	total := sum(shares, time.Since(began).Seconds())
	text, err := json.Marshal(total)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
	if total.Error != "" {
		os.Exit(1)
	}
}
