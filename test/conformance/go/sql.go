package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// withProperties are the messages that expressions choose from: a body, its tag and its properties.
var withProperties = []struct {
	body, tag  string
	properties map[string]string
}{
	{"bare", "", nil},
	{"five", "", map[string]string{"price": "5", "region": "hangzhou"}},
	{"ten", "", map[string]string{"price": "10", "region": "shanghai", "vip": "true"}},
	{"fraction", "", map[string]string{"price": "15.5", "region": "hangzhou"}},
	{"negative", "", map[string]string{"price": "-3"}},
	{"long", "", map[string]string{"price": "3000000000"}},
	{"word", "", map[string]string{"price": "abc", "region": "beijing"}},
	{"quote", "", map[string]string{"region": "it's"}},
	{"tagged", "t", nil},
	{"zeros", "", map[string]string{"price": "007", "vip": "TRUE", "name": "a b"}},
}

func propertied(topic string, i int) *primitive.Message {
	one := withProperties[i]
	message := primitive.NewMessage(topic, []byte(one.body))
	for key, value := range one.properties {
		message.WithProperty(key, value)
	}
	if one.tag != "" {
		message.WithTag(one.tag)
	}
	return message
}

func (s *session) sendPropertied(p rocketmq.Producer, topic string) error {
	for i := range withProperties {
		if _, err := p.SendSync(context.Background(), propertied(topic, i)); err != nil {
			return err
		}
	}
	return nil
}

// showSQLPush: what push consumers get by expression, and that one that waits gets what it wants at once.
func showSQLPush(s *session) (facts, error) {
	topic, _, err := s.topic("topic", 2)
	if err != nil {
		return nil, err
	}
	p, err := s.producer()
	if err != nil {
		return nil, err
	}
	if err = s.sendPropertied(p, topic); err != nil {
		return nil, err
	}
	wanted := []struct {
		expression string
		expected   int
	}{{"price > 6", 2}, {"price > 6.5", 4}, {"price BETWEEN 0 AND 10", 3}, {"price IS NULL", 3},
		{"region IN ('hangzhou', 'beijing') OR TAGS = 't'", 4}, {"vip = TRUE", 2}, {"-price > 1", 0},
		{"region NOT CONTAINS 'zh' AND NOT (price = 10)", 0}, {"price >= 3000000000", 1},
		{"name ENDSWITH 'b' ++", 1}, {"region = 'it''s' or price < 0.5", 2}}
	var tallies []*tally
	for i, one := range wanted {
		received := newTally()
		tallies = append(tallies, received)
		c, err := s.pushConsumer(s.name(fmt.Sprint("group", i)))
		if err != nil {
			return nil, err
		}
		selector := consumer.MessageSelector{Type: consumer.SQL92, Expression: one.expression}
		if err = c.Subscribe(topic, selector, received.taking); err != nil {
			return nil, err
		}
		if err = c.Start(); err != nil {
			return nil, err
		}
		s.later(func() { _ = c.Shutdown() })
	}
	shown := facts{}
	for i, one := range wanted {
		if err = tallies[i].await(one.expected, limit); err != nil {
			return nil, fmt.Errorf("%q: %w", one.expression, err)
		}
		list := tallies[i].list()
		sort.Strings(list)
		shown[one.expression] = list
	}
	last := tallies[len(tallies)-1]
	fast := 0
	for i := 0; i < 3; i++ {
		began := time.Now()
		// The first of the two is none that the last consumer wants.
		for _, price := range []string{"1", "0"} {
			message := primitive.NewMessage(topic, []byte(fmt.Sprint("later", i, "at", price)))
			message.WithProperty("price", price)
			if _, err = p.SendSync(context.Background(), message); err != nil {
				return nil, err
			}
		}
		if err = waitUntil("message", limit, func() bool { return last.distinct() == i+3 }); err != nil {
			return nil, err
		}
		if time.Since(began) < 2*time.Second {
			fast++
		}
	}
	list := last.list()
	sort.Strings(list)
	shown["later"] = facts{"underTwoSeconds": fast, "received": list}
	return shown, nil
}

// showSQLRequests: codes and offsets of pulls that bring their expression along, and what is said of expressions.
func showSQLRequests(s *session) (facts, error) {
	topic, _, err := s.topic("topic", 1)
	if err != nil {
		return nil, err
	}
	p, err := s.producer()
	if err != nil {
		return nil, err
	}
	if err = s.sendPropertied(p, topic); err != nil {
		return nil, err
	}
	time.Sleep(300 * time.Millisecond)
	address, err := s.brokerAddress()
	if err != nil {
		return nil, err
	}
	pull := func(group, expressionType, expression string, more map[string]string) facts {
		fields := map[string]string{"consumerGroup": group, "topic": topic, "queueId": "0", "queueOffset": "0",
			"maxMsgNums": "32", "sysFlag": "4", "commitOffset": "0", "suspendTimeoutMillis": "0",
			"subscription": expression, "subVersion": "0", "expressionType": expressionType}
		for key, value := range more {
			fields[key] = value
		}
		header, body, err := ask(address, 11, fields)
		if err != nil {
			return facts{"error": err.Error()}
		}
		read := []string{}
		for _, message := range primitive.DecodeMessage(body) {
			read = append(read, string(message.Body))
		}
		return facts{"code": header.Code, "remark": normal(header.Remark),
			"next": header.ExtFields["nextBeginOffset"], "read": read}
	}
	group := s.name("group")
	shown := facts{}
	for _, expression := range []string{"price > 6.5", "price = 5 OR", "a ++", "price", "NOT price", "absent = 1",
		"absent <> 1", "price > 'x'", "price NOT BETWEEN 0 AND 3", ""} {
		shown["pull "+expression] = pull(group, "SQL92", expression, nil)
	}
	shown["pull of another type"] = pull(group, "XPATH", "price > 6", nil)
	shown["pull of two"] = pull(group, "SQL92", "price IS NOT NULL", map[string]string{"maxMsgNums": "2"})
	for _, one := range [][2]string{{"SQL92", "a > 1"}, {"SQL92", "a >"}, {"SQL92", "a > 1 what"}, {"SQL92", ""},
		{"TAG", "a >"}, {"XPATH", "a"}} {
		body, err := json.Marshal(facts{"clientId": "c", "group": group, "subscriptionData": facts{"topic": topic,
			"subString": one[1], "expressionType": one[0], "subVersion": 1}})
		if err != nil {
			return nil, err
		}
		header, _, err := askWith(address, 46, nil, body)
		if err != nil {
			return nil, err
		}
		shown["check "+one[0]+" "+one[1]] = header.Code
	}
	// This client does not ask beforehand whether its expression can be read.
	broken := s.name("broken")
	c, err := s.pushConsumer(broken)
	if err != nil {
		return nil, err
	}
	selector := consumer.MessageSelector{Type: consumer.SQL92, Expression: "price >"}
	if err = c.Subscribe(topic, selector, newTally().taking); err != nil {
		return nil, err
	}
	if err = c.Start(); err != nil {
		return nil, err
	}
	s.later(func() { _ = c.Shutdown() })
	shown["registered and broken"] = pull(broken, "SQL92", "", map[string]string{"sysFlag": "0"})
	done := make(chan facts, 1)
	began := time.Now()
	go func() {
		done <- pull(group, "SQL92", "price = 1", map[string]string{"queueOffset": "10", "sysFlag": "6",
			"suspendTimeoutMillis": "9000"})
	}()
	time.Sleep(300 * time.Millisecond)
	for _, price := range []string{"2", "1"} {
		message := primitive.NewMessage(topic, []byte("held"+price))
		message.WithProperty("price", price)
		if _, err = p.SendSync(context.Background(), message); err != nil {
			return nil, err
		}
	}
	shown["held"] = <-done
	shown["heldInTime"] = time.Since(began) < 4*time.Second
	// A message that nobody waits for ends the wait too, but not at once.
	for i, one := range [][2]string{{"SQL92", "price = 1"}, {"TAG", "none"}} {
		began = time.Now()
		go func() {
			done <- pull(group, one[0], one[1], map[string]string{"queueOffset": fmt.Sprint(12 + i), "sysFlag": "6",
				"suspendTimeoutMillis": "9500"})
		}()
		time.Sleep(300 * time.Millisecond)
		if _, err = p.SendSync(context.Background(), primitive.NewMessage(topic, []byte("passing"))); err != nil {
			return nil, err
		}
		passed := <-done
		shown["passed "+one[0]] = facts{"code": passed["code"], "next": passed["next"],
			"underSevenSeconds": time.Since(began) < 7*time.Second}
	}
	return shown, nil
}
