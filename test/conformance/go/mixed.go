package main

import (
	"context"
	"fmt"
	"sort"
	"time"

	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// showMixedCluster: a topic on every broker of the cluster; what is sent to all of them arrives once.
func showMixedCluster(s *session) (facts, error) {
	topic := s.name("topic")
	a, err := s.admin()
	if err != nil {
		return nil, err
	}
	names := []string{brokerName, "broker-b"}
	for _, name := range names {
		_, found, err := s.routeOf(name)
		if err != nil {
			return nil, err
		}
		for _, broker := range found.BrokerDatas {
			err = a.CreateTopic(context.Background(), admin.WithTopicCreate(topic), admin.WithBrokerAddrCreate(broker.BrokerAddrs["0"]),
				admin.WithReadQueueNums(2), admin.WithWriteQueueNums(2))
			if err != nil {
				return nil, err
			}
		}
	}
	err = waitUntil("topic on both brokers", limit, func() bool {
		_, found, err := s.routeOf(topic)
		return err == nil && len(found.QueueDatas) == len(names)
	})
	if err != nil {
		return nil, err
	}
	p, err := s.producer()
	if err != nil {
		return nil, err
	}
	received := newTally()
	if _, err = s.consume(s.name("group"), topic, "*", received.taking); err != nil {
		return nil, err
	}
	used := map[string]int{}
	for _, body := range bodies("mixed", 200) {
		result, err := p.SendSync(context.Background(), primitive.NewMessage(topic, []byte(body)))
		if err != nil {
			return nil, fmt.Errorf("send: %w", err)
		}
		used[result.MessageQueue.BrokerName]++
	}
	if err = received.await(200, 90*time.Second); err != nil {
		return nil, err
	}
	var list []string
	for name := range used {
		list = append(list, name)
	}
	sort.Strings(list)
	return facts{"topicOn": len(names), "usedBrokers": list, "lost": 200 - received.distinct(),
		"repeated": len(received.list()) - received.distinct()}, nil
}
