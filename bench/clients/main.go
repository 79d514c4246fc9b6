// Sends or consumes messages with Apache's Go client and prints what that cost this process, as one line of JSON.
// Takes the same arguments as node.mjs.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

var (
	mode        = flag.String("mode", "send", "send or consume")
	nameServer  = flag.String("nameserver", "", "host:port")
	topic       = flag.String("topic", "", "topic")
	group       = flag.String("group", "", "group")
	count       = flag.Int("count", 100000, "messages that are measured")
	warm        = flag.Int("warm", 20000, "messages before")
	size        = flag.Int("size", 1024, "bytes of a body")
	batch       = flag.Int("batch", 1, "messages of a send")
	outstanding = flag.Int("outstanding", 64, "sends, or handlers, at the same time")
)

// A stretch that is measured.
type stretch struct {
	began time.Time
	cpu   float64
}

func begin() stretch { return stretch{time.Now(), cpuSeconds()} }

func (s stretch) print(messages int) {
	_ = json.NewEncoder(os.Stdout).Encode(map[string]float64{
		"messages":   float64(messages),
		"cpuSeconds": cpuSeconds() - s.cpu,
		"seconds":    time.Since(s.began).Seconds(),
	})
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func sendAll(p rocketmq.Producer, body []byte, n int) {
	left := int64(n)
	var done sync.WaitGroup
	for i := 0; i < *outstanding; i++ {
		done.Add(1)
		go func() {
			defer done.Done()
			for atomic.AddInt64(&left, -int64(*batch)) >= 0 {
				messages := make([]*primitive.Message, *batch)
				for i := range messages {
					messages[i] = primitive.NewMessage(*topic, body)
					messages[i].WithTag("tag")
				}
				result, err := p.SendSync(context.Background(), messages...)
				check(err)
				if result.Status != primitive.SendOK {
					check(fmt.Errorf("status %d", result.Status))
				}
			}
		}()
	}
	done.Wait()
}

func send() {
	p, err := rocketmq.NewProducer(
		producer.WithNameServer([]string{*nameServer}),
		producer.WithGroupName(*group),
	)
	check(err)
	check(p.Start())
	body := bytes.Repeat([]byte("x"), *size)
	sendAll(p, body, *warm)
	measured := begin()
	sendAll(p, body, *count)
	measured.print(*count)
	check(p.Shutdown())
}

func consume() {
	c, err := rocketmq.NewPushConsumer(
		consumer.WithNameServer([]string{*nameServer}),
		consumer.WithGroupName(*group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		consumer.WithConsumeGoroutineNums(*outstanding),
	)
	check(err)
	var seen int64
	var measured stretch
	done := make(chan bool)
	take := func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for range messages {
			switch atomic.AddInt64(&seen, 1) {
			case int64(*warm):
				measured = begin()
			case int64(*warm + *count):
				close(done)
			}
		}
		return consumer.ConsumeSuccess, nil
	}
	check(c.Subscribe(*topic, consumer.MessageSelector{}, take))
	check(c.Start())
	<-done
	measured.print(*count)
	check(c.Shutdown())
}

func main() {
	flag.Parse()
	rlog.SetLogLevel("error")
	if *mode == "send" {
		send()
	} else {
		consume()
	}
}
