package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// stream reads whole frames; what one read of the socket brought is handed out before the next read.
type stream struct {
	connection net.Conn
	buffer     []byte
	start, end int
}

func connect(address string) (*stream, error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &stream{connection: connection, buffer: make([]byte, 1<<20)}, nil
}

// buffered is the next frame without its length, if it is already here.
func (s *stream) buffered() ([]byte, bool) {
	held := s.end - s.start
	if held < 4 {
		return nil, false
	}
	length := int(binary.BigEndian.Uint32(s.buffer[s.start:]))
	if held < 4+length {
		if 4+length > len(s.buffer) {
			larger := make([]byte, 2*(4+length))
			s.end = copy(larger, s.buffer[s.start:s.end])
			s.start, s.buffer = 0, larger
		}
		return nil, false
	}
	frame := s.buffer[s.start+4 : s.start+4+length]
	s.start += 4 + length
	return frame, true
}

// fill waits for more bytes.
func (s *stream) fill() error {
	if s.start > 0 {
		s.end = copy(s.buffer, s.buffer[s.start:s.end])
		s.start = 0
	}
	n, err := s.connection.Read(s.buffer[s.end:])
	s.end += n
	if n == 0 && errors.Is(err, io.EOF) {
		return fmt.Errorf("the broker closed the connection")
	}
	return err
}

// next waits for one whole frame.
func (s *stream) next() ([]byte, error) {
	for {
		if frame, ok := s.buffered(); ok {
			return frame, nil
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

// split cuts a frame into its JSON header and its body.
func split(frame []byte) (header, body []byte, err error) {
	word := binary.BigEndian.Uint32(frame)
	if word>>24 != 0 {
		return nil, nil, fmt.Errorf("header in serialisation %d, want JSON", word>>24)
	}
	end := 4 + int(word&0xffffff)
	return frame[4:end], frame[end:], nil
}

// number finds `"name":digits` or `"name":"digits"`; ok is false when it is not there.
func number(header []byte, name string) (value int64, ok bool) {
	at := bytes.Index(header, []byte(`"`+name+`":`))
	if at < 0 {
		return 0, false
	}
	rest := header[at+len(name)+3:]
	if len(rest) > 0 && rest[0] == '"' {
		rest = rest[1:]
	}
	for i, c := range rest {
		if c < '0' || c > '9' {
			return value, i > 0
		}
		value = value*10 + int64(c-'0')
	}
	return value, len(rest) > 0
}

// frame puts lengths before a header and a body.
func frame(header, body []byte) []byte {
	out := make([]byte, 8, 8+len(header)+len(body))
	binary.BigEndian.PutUint32(out, uint32(4+len(header)+len(body)))
	binary.BigEndian.PutUint32(out[4:], uint32(len(header)))
	return append(append(out, header...), body...)
}

// digits writes a number over as many bytes as the place has.
func digits(place []byte, value int64) {
	for i := len(place) - 1; i >= 0; i-- {
		place[i] = byte('0' + value%10)
		value /= 10
	}
}
