// Command conformance shows what Apache's Go client sees of a cluster: one JSON line per behaviour, holding
// only facts that must be the same whoever made the servers.
//
//	conformance -n 127.0.0.1:9876 -prefix go before-restart
//	conformance -n 127.0.0.1:9876 -prefix go after-restart
//	conformance -n 127.0.0.1:9876 -prefix go send-sync before-restart/push-*
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/rlog"
)

// facts is what a behaviour showed: statuses, counts, orders, codes, texts.
type facts map[string]any

// behaviour is one thing the client can do with a cluster, and when in a run it is shown.
type behaviour struct {
	name  string
	phase string // before-restart or after-restart of the broker
	show  func(*session) (facts, error)
}

// behaviours lists those that wait longest first, so that the others run beside them.
var behaviours = []behaviour{
	{"order-members", "before-restart", showOrderMembers},
	{"queue-locks", "before-restart", showQueueLocks},
	{"push-retry-dlq", "before-restart", showRetryAndDeadLetter},
	{"push-orderly", "before-restart", showOrderly},
	{"push-members", "before-restart", showMembers},
	{"transaction", "before-restart", showTransaction},
	{"transaction-fail-over", "before-restart", showTransactionFailOver},
	{"transaction-end", "before-restart", showTransactionEnd},
	{"pull-from", "before-restart", showPullFrom},
	{"push-suspended-order", "before-restart", showOrderlySuspended},
	{"send-sync", "before-restart", showSendSync},
	{"send-async", "before-restart", showSendAsync},
	{"send-oneway", "before-restart", showSendOneway},
	{"send-batch", "before-restart", showSendBatch},
	{"send-retry", "before-restart", showSendRetry},
	{"send-hash", "before-restart", showSendHash},
	{"send-unknown-topic", "before-restart", showSendUnknownTopic},
	{"send-refused", "before-restart", showSendRefused},
	{"send-bodies", "before-restart", showSendBodies},
	{"push-tags", "before-restart", showPushTags},
	{"push-from-where", "before-restart", showPushFromWhere},
	{"push-broadcast", "before-restart", showBroadcast},
	{"push-sql", "before-restart", showSQL},
	{"long-polling", "before-restart", showLongPolling},
	{"delay-level", "before-restart", showDelayLevel},
	{"timer", "before-restart", showTimer},
	{"timer-before-restart", "before-restart", showTimerBeforeRestart},
	{"pull-poll", "before-restart", showPullPoll},
	{"pull-offsets", "before-restart", showPullOffsets},
	{"request-reply", "before-restart", showRequestReply},
	{"namespace", "before-restart", showNamespace},
	{"admin-topics", "before-restart", showAdminTopics},
	{"offsets-before-restart", "before-restart", showOffsetsBeforeRestart},
	{"offsets-after-restart", "after-restart", showOffsetsAfterRestart},
	{"timer-after-restart", "after-restart", showTimerAfterRestart},
	{"send-unknown-topic-refused-after-restart", "after-restart", showSendUnknownTopicRefused},
	{"sql-push-after-restart", "after-restart", showSQLPush},
	{"sql-requests-after-restart", "after-restart", showSQLRequests},
	{"mixed-cluster", "mixed", showMixedCluster},
}

func chosen(patterns []string) []behaviour {
	var list []behaviour
	for _, candidate := range behaviours {
		for _, pattern := range patterns {
			// A pattern is that of a name, or of a phase and a name.
			byName, _ := path.Match(pattern, candidate.name)
			byPhase, _ := path.Match(pattern, candidate.phase+"/"+candidate.name)
			if byName || byPhase || pattern == candidate.phase {
				list = append(list, candidate)
				break
			}
		}
	}
	return list
}

type line struct {
	Name   string `json:"name"`
	Ok     bool   `json:"ok"`
	Result facts  `json:"result"`
	Millis int64  `json:"millis"`
	Error  string `json:"error,omitempty"`
}

func run(one behaviour, nameServer, prefix string) line {
	began := time.Now()
	s := &session{nameServer: nameServer, prefix: prefix, behaviour: one.name}
	result, err := func() (result facts, err error) {
		defer func() {
			if thrown := recover(); thrown != nil {
				err = fmt.Errorf("panic: %v", thrown)
			}
		}()
		return one.show(s)
	}()
	s.close()
	answer := line{Name: one.name, Ok: err == nil, Result: result, Millis: time.Since(began).Milliseconds()}
	if err != nil {
		answer.Error = err.Error()
	}
	return answer
}

func main() {
	nameServer := flag.String("n", "", "address of the name server")
	prefix := flag.String("prefix", "go", "first part of the names of topics and groups")
	together := flag.Int("together", 10, "behaviours shown at once")
	member := flag.Int("member", -1, "be this member of the group, the second argument, that consumes the first")
	asPeer := flag.Bool("peer", false, "do what the lines of standard input say")
	flag.Parse()
	// The client logs whole response bodies at its usual level.
	rlog.SetLogLevel("fatal")
	if *asPeer {
		runPeer()
		return
	}
	if *member >= 0 {
		if err := runMember(*nameServer, flag.Arg(0), flag.Arg(1), *member); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}

	var printing, running sync.WaitGroup
	lines := make(chan line)
	printing.Add(1)
	failed := false
	go func() {
		defer printing.Done()
		for one := range lines {
			text, err := json.Marshal(one)
			if err != nil {
				panic(err)
			}
			fmt.Println(string(text))
			failed = failed || !one.Ok
		}
	}()
	slots := make(chan struct{}, *together)
	for _, one := range chosen(flag.Args()) {
		running.Add(1)
		slots <- struct{}{}
		go func(one behaviour) {
			defer running.Done()
			lines <- run(one, *nameServer, *prefix)
			<-slots
		}(one)
	}
	running.Wait()
	close(lines)
	printing.Wait()
	if failed {
		os.Exit(1)
	}
}
