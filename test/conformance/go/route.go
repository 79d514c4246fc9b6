package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"regexp"
	"time"
)

// brokerName is the broker under test; others in the cluster are there to fail.
const brokerName = "broker-a"

type route struct {
	QueueDatas []struct {
		BrokerName     string `json:"brokerName"`
		ReadQueueNums  int    `json:"readQueueNums"`
		WriteQueueNums int    `json:"writeQueueNums"`
		Perm           int    `json:"perm"`
	} `json:"queueDatas"`
	BrokerDatas []struct {
		BrokerName  string            `json:"brokerName"`
		BrokerAddrs map[string]string `json:"brokerAddrs"`
	} `json:"brokerDatas"`
}

// answer is the header of a response.
type answer struct {
	Code      int               `json:"code"`
	Remark    string            `json:"remark"`
	ExtFields map[string]string `json:"extFields"`
}

// ask sends one request with a JSON header; the client has no call for what is asked here.
func ask(address string, code int, fields map[string]string) (answer, []byte, error) {
	return askWith(address, code, fields, nil)
}

// askWith is ask with a body.
func askWith(address string, code int, fields map[string]string, body []byte) (answer, []byte, error) {
	var header answer
	connection, err := net.DialTimeout("tcp", address, 3*time.Second)
	if err != nil {
		return header, nil, err
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
	request, err := json.Marshal(map[string]any{
		"code": code, "language": "GO", "version": 317, "opaque": 1, "flag": 0, "extFields": fields})
	if err != nil {
		return header, nil, err
	}
	var frame bytes.Buffer
	_ = binary.Write(&frame, binary.BigEndian, int32(4+len(request)+len(body)))
	_ = binary.Write(&frame, binary.BigEndian, int32(len(request)))
	frame.Write(request)
	frame.Write(body)
	if _, err = connection.Write(frame.Bytes()); err != nil {
		return header, nil, err
	}
	var lengths [8]byte
	if _, err = io.ReadFull(connection, lengths[:]); err != nil {
		return header, nil, err
	}
	rest := make([]byte, binary.BigEndian.Uint32(lengths[:])-4)
	if _, err = io.ReadFull(connection, rest); err != nil {
		return header, nil, err
	}
	headerLength := binary.BigEndian.Uint32(lengths[4:]) & 0xffffff
	if err = json.Unmarshal(rest[:headerLength], &header); err != nil {
		return header, nil, err
	}
	return header, rest[headerLength:], nil
}

// Broker ids are keys without quotes for clients of this version.
var bareIDs = regexp.MustCompile(`([{,])(\d+):`)

// routeOf asks the name server; the code is 17 when it knows no such topic.
func (s *session) routeOf(topic string) (int, route, error) {
	var found route
	header, body, err := ask(s.nameServer, 105, map[string]string{"topic": topic})
	if err != nil || header.Code != 0 {
		return header.Code, found, err
	}
	return header.Code, found, json.Unmarshal(bareIDs.ReplaceAll(body, []byte(`$1"$2":`)), &found)
}

// brokerAddress is where the broker under test listens.
func (s *session) brokerAddress() (string, error) {
	code, found, err := s.routeOf(brokerName)
	if err != nil {
		return "", err
	}
	for _, broker := range found.BrokerDatas {
		if broker.BrokerName == brokerName {
			return broker.BrokerAddrs["0"], nil
		}
	}
	return "", fmt.Errorf("no %s in the cluster: code %d", brokerName, code)
}
