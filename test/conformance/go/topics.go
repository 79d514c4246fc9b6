package main

import (
	"context"
	"sort"
	"time"

	"github.com/apache/rocketmq-client-go/v2/admin"
)

func contains(list []string, wanted string) bool {
	i := sort.SearchStrings(list, wanted)
	return i < len(list) && list[i] == wanted
}

// showAdminTopics: a topic is made, listed, routed, and gone again; a group is found in the list of groups.
func showAdminTopics(s *session) (facts, error) {
	topic, queues, err := s.topic("topic", 3)
	if err != nil {
		return nil, err
	}
	a, err := s.admin()
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	listed := func() (bool, bool, error) {
		list, err := a.FetchAllTopicList(ctx)
		if err != nil {
			return false, false, err
		}
		sort.Strings(list.TopicList)
		return contains(list.TopicList, topic), contains(list.TopicList, "SELF_TEST_TOPIC"), nil
	}
	before, system, err := listed()
	if err != nil {
		return nil, err
	}
	address, err := s.brokerAddress()
	if err != nil {
		return nil, err
	}
	if _, err = s.consume(s.name("group"), topic, "*", newTally().taking); err != nil {
		return nil, err
	}
	groups, err := a.GetAllSubscriptionGroup(ctx, address, 10*time.Second)
	if err != nil {
		return nil, err
	}
	group, tools := groups.SubscriptionGroupTable[s.name("group")], groups.SubscriptionGroupTable["TOOLS_CONSUMER"]
	if err = a.DeleteTopic(ctx, admin.WithTopicDelete(topic), admin.WithBrokerAddrDelete(address),
		admin.WithNameSrvAddr([]string{s.nameServer})); err != nil {
		return nil, err
	}
	err = waitUntil("topic is gone", limit, func() bool {
		still, _, err := listed()
		return err == nil && !still
	})
	code, _, routeError := s.routeOf(topic)
	if err == nil {
		err = routeError
	}
	return facts{"queues": len(queues), "listed": before, "systemListed": system,
		"codeAfterDelete": code, "group": group, "toolsGroup": tools}, err
}
