package main

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// wish is a message that wants to come later, and when.
type wish struct {
	body       string
	due        time.Duration
	properties func(now time.Time) map[string]string
}

func property(name, value string) func(time.Time) map[string]string {
	return func(time.Time) map[string]string { return map[string]string{name: value} }
}

func deliverIn(due time.Duration) func(time.Time) map[string]string {
	return func(now time.Time) map[string]string {
		return map[string]string{"TIMER_DELIVER_MS": strconv.FormatInt(now.Add(due).UnixMilli(), 10)}
	}
}

func both(first, second func(time.Time) map[string]string) func(time.Time) map[string]string {
	return func(now time.Time) map[string]string {
		all := first(now)
		for name, value := range second(now) {
			all[name] = value
		}
		return all
	}
}

// sendWish sends a message with its wish; the time it was sent goes along.
func sendWish(p rocketmq.Producer, queue *primitive.MessageQueue, w wish) (*primitive.SendResult, error) {
	now := time.Now()
	message := primitive.NewMessage(queue.Topic, []byte(w.body))
	message.WithProperties(w.properties(now))
	message.WithProperty("dueMs", strconv.FormatInt(now.Add(w.due).UnixMilli(), 10))
	message.Queue = queue
	return p.SendSync(context.Background(), message)
}

// timelyFacts says of a message that was delivered whether it came in its time, and what it tells of its wait.
func timelyFacts(message *primitive.MessageExt) facts {
	due, _ := strconv.ParseInt(message.GetProperty("dueMs"), 10, 64)
	var told []string
	for name := range message.GetProperties() {
		if strings.HasPrefix(name, "TIMER_") || strings.HasPrefix(name, "REAL_") || name == "DELAY" {
			told = append(told, name)
		}
	}
	sort.Strings(told)
	return facts{"early": message.StoreTimestamp < due, "late": message.StoreTimestamp > due+15_000,
		"queueId": message.Queue.QueueId, "told": told}
}

// timely reads a topic until it has so many messages; by body, what they tell.
func (s *session) timely(queues []*primitive.MessageQueue, count int, within time.Duration) (facts, error) {
	err := waitUntil(fmt.Sprint(count, " messages"), within, func() bool {
		stored := 0
		for _, queue := range queues {
			if end, err := s.offsetBy(getMaxOffset, queue); err == nil {
				stored += int(end)
			}
		}
		return stored >= count
	})
	if err != nil {
		return nil, err
	}
	messages, err := s.readAll(queues)
	if err != nil {
		return nil, err
	}
	shown := facts{}
	for _, message := range messages {
		name := string(message.Body)
		if _, twice := shown[name]; twice {
			name += " again"
		}
		shown[name] = timelyFacts(message)
	}
	return shown, nil
}

// showTimer: absolute times and delays, past ones, a level beside a time, and what is refused.
func showTimer(s *session) (facts, error) {
	_, queues, err := s.topic("topic", 2)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	wishes := []wish{
		{"deliver", 4 * time.Second, deliverIn(4 * time.Second)},
		{"delay sec", 2 * time.Second, property("TIMER_DELAY_SEC", "2")},
		{"delay ms", 2500 * time.Millisecond, property("TIMER_DELAY_MS", "2500")},
		{"soon", 100 * time.Millisecond, property("TIMER_DELAY_MS", "100")},
		{"past", 0, deliverIn(-time.Hour)},
		{"no delay", 0, property("TIMER_DELAY_SEC", "0")},
		{"level wins", time.Second, both(property("DELAY", "1"), property("TIMER_DELAY_SEC", "50"))},
		{"sec before ms", 3 * time.Second, both(property("TIMER_DELAY_SEC", "3"), property("TIMER_DELAY_MS", "50000"))},
		{"ms before deliver", time.Second, both(property("TIMER_DELAY_MS", "1000"), deliverIn(time.Minute))},
	}
	sent := facts{}
	for i, w := range wishes {
		result, err := sendWish(p, queues[i%2], w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.body, err)
		}
		sent[w.body] = fmt.Sprint(result.Status, " ", result.MessageQueue.QueueId)
	}
	refused := facts{}
	for _, w := range []wish{
		{"too far", 0, property("TIMER_DELAY_SEC", "345600")},
		{"far deliver", 0, deliverIn(4 * 24 * time.Hour)},
		{"no number", 0, property("TIMER_DELIVER_MS", "tomorrow")},
		{"no integer", 0, property("TIMER_DELAY_SEC", "1.5")},
	} {
		result, err := sendWish(p, queues[0], w)
		if err == nil {
			refused[w.body] = fmt.Sprint("sent ", result.Status)
		} else {
			refused[w.body] = textOf(err)
		}
	}
	delivered, err := s.timely(queues, len(wishes), limit)
	if err != nil {
		return nil, err
	}
	return facts{"sent": sent, "refused": refused, "delivered": delivered}, nil
}

// The wait outlasts the restart in a run of few behaviours.
const overRestart = 30 * time.Second

// showTimerBeforeRestart sends what is to come after the restart.
func showTimerBeforeRestart(s *session) (facts, error) {
	_, queues, err := s.topicNamed(s.prefix+"-timer-restart", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.queueProducer()
	if err != nil {
		return nil, err
	}
	sent := facts{}
	for _, w := range []wish{
		{"level", overRestart, property("DELAY", "4")},
		{"deliver", overRestart, deliverIn(overRestart)},
		{"delay", overRestart, property("TIMER_DELAY_SEC", "30")},
	} {
		result, err := sendWish(p, queues[0], w)
		if err != nil {
			return nil, err
		}
		sent[w.body] = int(result.Status)
	}
	return facts{"sent": sent}, nil
}

// showTimerAfterRestart: all of it is there, once.
func showTimerAfterRestart(s *session) (facts, error) {
	topic := s.prefix + "-timer-restart"
	queue := &primitive.MessageQueue{Topic: topic, BrokerName: brokerName, QueueId: 0}
	return s.timely([]*primitive.MessageQueue{queue}, 3, limit)
}
