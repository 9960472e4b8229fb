// Command main does the benchmarks' work with golang.org/x/net/ipv6 and prints the nanoseconds per piece of work.
//
//	main none|info|three COUNT SIZE TIMES
//
// COUNT is the number of datagrams per call: 1, or more for batches.
package main

import (
	"bytes"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/net/ipv6"
)

const (
	class = 0x28
	hops  = 42
)

type peer struct {
	sender, receiver *ipv6.PacketConn
	from, to         *net.UDPAddr
	control          *ipv6.ControlMessage // to send; nil for none
	headers          bool                 // whether class and hop limit are sent and received
	payloads         [][]byte
	room             []byte
	send, receive    []ipv6.Message
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 5 {
		log.Fatal("usage: main none|info|three COUNT SIZE TIMES")
	}
	count, size, times := number(os.Args[2]), number(os.Args[3]), number(os.Args[4])
	p := newPeer(os.Args[1], count, size)
	work := p.one
	if count > 1 {
		work = p.batch
	}
	// Warm up the runtime.
	for i := 0; i < times/10+1; i++ {
		work()
	}
	start := time.Now()
	for i := 0; i < times; i++ {
		work()
	}
	fmt.Println(float64(time.Since(start).Nanoseconds()) / float64(times))
}

func newPeer(messages string, count, size int) *peer {
	sender, receiver := listen(), listen()
	p := &peer{
		sender:   ipv6.NewPacketConn(sender),
		receiver: ipv6.NewPacketConn(receiver),
		from:     sender.LocalAddr().(*net.UDPAddr),
		to:       receiver.LocalAddr().(*net.UDPAddr),
		room:     make([]byte, size+64),
	}
	switch messages {
	case "none":
	case "info":
		p.control = &ipv6.ControlMessage{Src: p.from.IP}
		check(p.receiver.SetControlMessage(ipv6.FlagDst, true))
	case "three":
		p.control = &ipv6.ControlMessage{TrafficClass: class, HopLimit: hops, Src: p.from.IP}
		p.headers = true
		check(p.receiver.SetControlMessage(ipv6.FlagTrafficClass|ipv6.FlagHopLimit|ipv6.FlagDst, true))
	default:
		log.Fatalf("unknown control messages: %s", messages)
	}
	for i := 0; i < count; i++ {
		payload := make([]byte, size)
		for j := range payload {
			payload[j] = "HELLO-R-U-THERE"[j%15]
		}
		if size >= 2 {
			payload[0], payload[1] = byte(i), byte(i>>8)
		}
		p.payloads = append(p.payloads, payload)
		p.send = append(p.send, ipv6.Message{Buffers: [][]byte{payload}, OOB: p.control.Marshal(), Addr: p.to})
		flags := ipv6.FlagTrafficClass | ipv6.FlagHopLimit | ipv6.FlagDst
		p.receive = append(p.receive, ipv6.Message{
			Buffers: [][]byte{make([]byte, size+64)},
			OOB:     ipv6.NewControlMessage(flags),
		})
	}
	return p
}

func listen() *net.UDPConn {
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	check(err)
	return conn
}

func (p *peer) one() {
	_, err := p.sender.WriteTo(p.payloads[0], p.control, p.to)
	check(err)
	n, control, source, err := p.receiver.ReadFrom(p.room)
	check(err)
	p.checkOne(p.room[:n], p.payloads[0], control, source)
}

func (p *peer) batch() {
	sent, err := p.sender.WriteBatch(p.send, 0)
	check(err)
	assert(sent == len(p.send))
	for seen := 0; seen < len(p.payloads); {
		n, err := p.receiver.ReadBatch(p.receive[:len(p.payloads)-seen], 0)
		check(err)
		for _, message := range p.receive[:n] {
			var control ipv6.ControlMessage
			check(control.Parse(message.OOB[:message.NN]))
			p.checkOne(message.Buffers[0][:message.N], p.payloads[seen], &control, message.Addr)
			seen++
		}
	}
}

func (p *peer) checkOne(got, sent []byte, control *ipv6.ControlMessage, source net.Addr) {
	assert(bytes.Equal(got, sent))
	from := source.(*net.UDPAddr)
	assert(from.Port == p.from.Port && from.IP.Equal(p.from.IP))
	if p.control == nil {
		return
	}
	assert(control.Dst.Equal(p.to.IP))
	if p.headers {
		assert(control.TrafficClass == class && control.HopLimit == hops)
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	check(err)
	return n
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func assert(right bool) {
	if !right {
		log.Fatal("the received datagram differs from the one that was sent")
	}
}
