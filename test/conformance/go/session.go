package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// limit bounds every wait for something that should happen soon.
const limit = 60 * time.Second

// session is one behaviour's view of the cluster: its names, and what must be shut down after it.
type session struct {
	nameServer string
	prefix     string
	behaviour  string
	mutex      sync.Mutex
	closers    []func()
}

var instances atomic.Int64

func (s *session) later(closer func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.closers = append(s.closers, closer)
}

func (s *session) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

// name makes a topic or group name that no other behaviour uses.
func (s *session) name(what string) string { return s.prefix + "-" + s.behaviour + "-" + what }

// instance makes a client of its own: without a name, all clients of the process are one.
func (s *session) instance() string {
	return fmt.Sprintf("%s-%s-%d", s.prefix, s.behaviour, instances.Add(1))
}

func (s *session) resolver() primitive.NsResolver {
	return primitive.NewPassthroughResolver([]string{s.nameServer})
}

func (s *session) producer(options ...producer.Option) (rocketmq.Producer, error) {
	all := append([]producer.Option{
		producer.WithNsResolver(s.resolver()),
		producer.WithInstanceName(s.instance()),
		producer.WithGroupName(s.name("producer")),
		producer.WithSendMsgTimeout(10 * time.Second),
		producer.WithRetry(2),
	}, options...)
	p, err := rocketmq.NewProducer(all...)
	if err != nil {
		return nil, err
	}
	if err = p.Start(); err != nil {
		return nil, err
	}
	s.later(func() { _ = p.Shutdown() })
	return p, nil
}

// queueProducer sends each message to the queue that the message names.
func (s *session) queueProducer() (rocketmq.Producer, error) {
	return s.producer(producer.WithQueueSelector(producer.NewManualQueueSelector()))
}

func (s *session) pushConsumer(group string, options ...consumer.Option) (rocketmq.PushConsumer, error) {
	all := append([]consumer.Option{
		consumer.WithNsResolver(s.resolver()),
		consumer.WithInstance(s.instance()),
		consumer.WithGroupName(group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	}, options...)
	return rocketmq.NewPushConsumer(all...)
}

func (s *session) pullConsumer(group string, options ...consumer.Option) (rocketmq.PullConsumer, error) {
	all := append([]consumer.Option{
		consumer.WithNsResolver(s.resolver()),
		consumer.WithInstance(s.instance()),
		consumer.WithGroupName(group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	}, options...)
	return rocketmq.NewPullConsumer(all...)
}

func (s *session) admin() (admin.Admin, error) {
	a, err := admin.NewAdmin(admin.WithResolver(s.resolver()))
	if err == nil {
		s.later(func() { _ = a.Close() })
	}
	return a, err
}

// topic creates a topic of so many queues on the one broker and returns its queues once the route is there.
func (s *session) topic(what string, queues int) (string, []*primitive.MessageQueue, error) {
	return s.topicNamed(s.name(what), queues)
}

func (s *session) topicNamed(topic string, queues int) (string, []*primitive.MessageQueue, error) {
	a, err := s.admin()
	if err != nil {
		return "", nil, err
	}
	ctx := context.Background()
	address, err := s.brokerAddress()
	if err != nil {
		return "", nil, err
	}
	var found []*primitive.MessageQueue
	made := time.Time{}
	err = waitUntil("route of "+topic, limit, func() bool {
		// Two changes that cross on their way to the name server can leave the route as it was until the next
		// change, so the change is made again from time to time.
		if time.Since(made) > 2*time.Second {
			made = time.Now()
			_ = a.CreateTopic(ctx, admin.WithTopicCreate(topic), admin.WithBrokerAddrCreate(address),
				admin.WithReadQueueNums(queues), admin.WithWriteQueueNums(queues))
		}
		all, err := a.FetchPublishMessageQueues(ctx, topic)
		found = nil
		for _, queue := range all {
			if queue.BrokerName == brokerName {
				found = append(found, queue)
			}
		}
		return err == nil && len(found) == queues
	})
	return topic, found, err
}

// send sends one message per body to the queue and fails unless each is stored.
func (s *session) send(p rocketmq.Producer, queue *primitive.MessageQueue, bodies ...string) error {
	for _, body := range bodies {
		message := primitive.NewMessage(queue.Topic, []byte(body))
		message.Queue = queue
		if _, err := p.SendSync(context.Background(), message); err != nil {
			return err
		}
	}
	return nil
}

// bodies numbers n bodies: stem-0, stem-1, …
func bodies(stem string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s-%d", stem, i)
	}
	return list
}

// tally collects what consumers received.
type tally struct {
	mutex   sync.Mutex
	counts  map[string]int
	order   []string
	changed chan struct{}
}

func newTally() *tally {
	return &tally{counts: map[string]int{}, changed: make(chan struct{}, 1)}
}

func (t *tally) add(body string) {
	t.mutex.Lock()
	t.counts[body]++
	t.order = append(t.order, body)
	t.mutex.Unlock()
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

func (t *tally) distinct() int {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return len(t.counts)
}

func (t *tally) list() []string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return append([]string(nil), t.order...)
}

// await waits until n different bodies have come, and a moment longer for what should not come.
func (t *tally) await(n int, within time.Duration) error {
	deadline := time.After(within)
	for t.distinct() < n {
		select {
		case <-t.changed:
		case <-deadline:
			return fmt.Errorf("only %d of %d messages came within %v", t.distinct(), n, within)
		}
	}
	time.Sleep(300 * time.Millisecond)
	return nil
}

// taking is a listener that counts each body and is content.
func (t *tally) taking(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	for _, message := range messages {
		t.add(string(message.Body))
	}
	return consumer.ConsumeSuccess, nil
}

func waitUntil(what string, within time.Duration, check func() bool) error {
	deadline := time.Now().Add(within)
	for !check() {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not within %v", what, within)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}

var (
	addresses = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+(:\d+)?`)
	longIDs   = regexp.MustCompile(`\b[0-9A-F]{32,}\b`)
	advice    = regexp.MustCompile(`\s*See https?://\S+ for further details\.?`)
	millis    = regexp.MustCompile(`\d+ ?ms\b`)
)

// normal strips addresses, ids, times and links to Apache's pages from a text.
func normal(text string) string {
	text = addresses.ReplaceAllString(text, "ADDRESS")
	text = advice.ReplaceAllString(text, "")
	text = longIDs.ReplaceAllString(text, "ID")
	text = millis.ReplaceAllString(text, "TIME")
	return strings.TrimSpace(text)
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return normal(err.Error())
}
