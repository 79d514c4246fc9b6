package main

import (
	"context"
	"fmt"
	"sort"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

func pullFacts(result *primitive.PullResult, err error) facts {
	if err != nil {
		return facts{"error": textOf(err)}
	}
	var read []string
	for _, message := range result.GetMessageExts() {
		read = append(read, string(message.Body))
	}
	return facts{"status": int(result.Status), "next": result.NextBeginOffset, "min": result.MinOffset,
		"max": result.MaxOffset, "read": read, "broker": result.SuggestWhichBrokerId}
}

// puller starts a pull consumer of the topic; it ends with the behaviour at the latest.
func (s *session) puller(group, topic string) (rocketmq.PullConsumer, error) {
	c, err := s.pullConsumer(group)
	if err != nil {
		return nil, err
	}
	if err = c.Subscribe(topic, consumer.MessageSelector{Type: consumer.TAG, Expression: "*"}); err != nil {
		return nil, err
	}
	if err = c.Start(); err != nil {
		return nil, err
	}
	s.later(func() { _ = c.Shutdown() })
	return c, nil
}

// showPullFrom: the four answers of a pull, and a pull that waits until something comes.
func showPullFrom(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	if err = s.send(p, queues[0], bodies("pulled", 10)...); err != nil {
		return nil, err
	}
	time.Sleep(300 * time.Millisecond)
	c, err := s.puller(s.name("group"), topic)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	pull := func(offset int64, count int) facts {
		return pullFacts(c.PullFrom(ctx, queues[0], offset, count))
	}
	shown := facts{"found": pull(0, 4), "rest": pull(4, 32), "beyond": pull(100, 4)}
	sent := make(chan error, 1)
	go func() {
		time.Sleep(time.Second)
		sent <- s.send(p, queues[0], "awaited")
	}()
	began := time.Now()
	shown["awaited"] = pull(10, 4)
	shown["awaitedInTime"] = time.Since(began) < 4*time.Second
	return shown, <-sent
}

// pollOnce polls and acknowledges; no messages when none came in time.
func pollOnce(c rocketmq.PullConsumer, within time.Duration) ([]*primitive.MessageExt, error) {
	request, err := c.Poll(context.Background(), within)
	if consumer.IsNoNewMsgError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.ACK(context.Background(), request, consumer.ConsumeSuccess)
	return request.GetMsgList(), nil
}

// pollAll polls and acknowledges until n different bodies have come.
func pollAll(c rocketmq.PullConsumer, n int) ([]string, error) {
	seen := map[string]bool{}
	deadline := time.Now().Add(limit)
	for len(seen) < n && time.Now().Before(deadline) {
		messages, err := pollOnce(c, time.Second)
		if err != nil {
			return nil, err
		}
		for _, message := range messages {
			seen[string(message.Body)] = true
		}
	}
	var list []string
	for body := range seen {
		list = append(list, body)
	}
	sort.Strings(list)
	return list, nil
}

// showPullPoll: a subscribed pull consumer polls, acknowledges, and its offsets are kept.
func showPullPoll(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 2)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	for _, queue := range queues {
		if err = s.send(p, queue, bodies(fmt.Sprint("poll", queue.QueueId), 6)...); err != nil {
			return nil, err
		}
	}
	c, err := s.puller(s.name("group"), topic)
	if err != nil {
		return nil, err
	}
	list, err := pollAll(c, 12)
	if err != nil {
		return nil, err
	}
	shown := facts{"polled": list}
	for _, queue := range queues {
		var offset int64
		_ = waitUntil("committed offset", 15*time.Second, func() bool {
			// The client forgets what was acknowledged of a queue that it drops and takes again while it starts: the
			// messages come once more.
			_, _ = pollOnce(c, 10*time.Millisecond)
			if c.PersistOffset(context.Background(), topic) != nil {
				return false
			}
			now, ok, err := s.committed(s.name("group"), queue)
			offset = now
			return err == nil && ok && now == 6
		})
		shown[fmt.Sprint("committed", queue.QueueId)] = offset
	}
	_ = c.Shutdown()
	return shown, nil
}

// showPullOffsets: an offset that the application sets is stored at the broker, and the next consumer pulls from it.
func showPullOffsets(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	if err = s.send(p, queues[0], bodies("numbered", 6)...); err != nil {
		return nil, err
	}
	first, err := s.puller(s.name("group"), topic)
	if err != nil {
		return nil, err
	}
	shown := facts{}
	err = waitUntil("offset stored", limit, func() bool {
		if first.UpdateOffset(queues[0], 4) != nil || first.PersistOffset(context.Background(), topic) != nil {
			return false
		}
		now, ok, err := s.committed(s.name("group"), queues[0])
		shown["stored"] = now
		return err == nil && ok && now == 4
	})
	if err != nil {
		return nil, err
	}
	_ = first.Shutdown()
	second, err := s.puller(s.name("group"), topic)
	if err != nil {
		return nil, err
	}
	shown["pulled"] = pullFacts(second.Pull(context.Background(), 32))
	return shown, nil
}

// showNamespace: one topic name in two namespaces is two topics.
func showNamespace(s *session) (facts, error) {
	name := s.name("topic")
	_, queues, err := s.topicNamed("ns1%"+name, 1)
	if err != nil {
		return nil, err
	}
	if _, _, err = s.topicNamed("ns2%"+name, 1); err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	if err = s.send(p, queues[0], bodies("ns1", 3)...); err != nil {
		return nil, err
	}
	first, second := newTally(), newTally()
	_, err = s.consume(s.name("group"), name, "*", first.taking, consumer.WithNamespace("ns1"))
	if err != nil {
		return nil, err
	}
	_, err = s.consume(s.name("group"), name, "*", second.taking, consumer.WithNamespace("ns2"))
	if err != nil {
		return nil, err
	}
	if err = first.await(3, limit); err != nil {
		return nil, err
	}
	retry, _, err := s.routeOf("%RETRY%ns1%" + s.name("group"))
	return facts{"first": len(first.list()), "second": len(second.list()), "retryTopic": retry}, err
}
