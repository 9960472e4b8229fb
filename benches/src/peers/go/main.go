// The same checked work with golang.org/x/net/ipv6. It reads lines "BATCH COUNT" and answers each with the nanoseconds
// of one piece of work: a batch of that many, 1 for ReadFrom and WriteTo, 0 for those without control messages.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/net/ipv6"
)

const (
	class = 0x28
	hops  = 42
	most  = 256
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func fail(what string, got interface{}) {
	check(fmt.Errorf("%s: got %v", what, got))
}

func listen() (net.PacketConn, *net.UDPAddr) {
	conn, err := net.ListenPacket("udp6", "[::1]:0")
	check(err)
	return conn, conn.LocalAddr().(*net.UDPAddr)
}

func checkControl(cm *ipv6.ControlMessage, to *net.UDPAddr) {
	if cm.TrafficClass != class || cm.HopLimit != hops || !cm.Dst.Equal(to.IP) {
		fail("control", cm)
	}
}

func checkSource(source net.Addr, to *net.UDPAddr) {
	from := source.(*net.UDPAddr)
	if !from.IP.Equal(to.IP) || from.Port != to.Port {
		fail("source", from)
	}
}

func main() {
	socket, to := listen()
	conn := ipv6.NewPacketConn(socket)
	flags := ipv6.FlagTrafficClass | ipv6.FlagHopLimit | ipv6.FlagDst | ipv6.FlagInterface
	check(conn.SetControlMessage(flags, true))
	plain, plainTo := listen()

	control := &ipv6.ControlMessage{TrafficClass: class, HopLimit: hops, Src: to.IP}
	var sent, received [most]ipv6.Message
	var texts [most][]byte
	for i := range texts {
		texts[i] = []byte("HELLO-R-U-THERE")
		texts[i][0] = byte(i)
		sent[i] = ipv6.Message{Buffers: [][]byte{texts[i]}, OOB: control.Marshal(), Addr: to}
		received[i] = ipv6.Message{Buffers: [][]byte{make([]byte, 64)}, OOB: ipv6.NewControlMessage(flags)}
	}
	room := make([]byte, 64)

	one := func() {
		_, err := conn.WriteTo(texts[0], control, to)
		check(err)
		n, cm, source, err := conn.ReadFrom(room)
		check(err)
		if !bytes.Equal(room[:n], texts[0]) {
			fail("payload", room[:n])
		}
		checkSource(source, to)
		checkControl(cm, to)
	}
	without := func() {
		_, err := plain.WriteTo(texts[0], plainTo)
		check(err)
		n, source, err := plain.ReadFrom(room)
		check(err)
		if !bytes.Equal(room[:n], texts[0]) {
			fail("payload", room[:n])
		}
		checkSource(source, plainTo)
	}
	batch := func(count int) {
		for done := 0; done < count; {
			n, err := conn.WriteBatch(sent[done:count], 0)
			check(err)
			done += n
		}
		for seen := 0; seen < count; {
			n, err := conn.ReadBatch(received[:count-seen], 0)
			check(err)
			for _, message := range received[:n] {
				if !bytes.Equal(message.Buffers[0][:message.N], texts[seen]) {
					fail("payload", message.Buffers[0][:message.N])
				}
				checkSource(message.Addr, to)
				var cm ipv6.ControlMessage
				check(cm.Parse(message.OOB[:message.NN]))
				checkControl(&cm, to)
				seen++
			}
		}
	}

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var size, count int
		_, err := fmt.Sscan(lines.Text(), &size, &count)
		check(err)
		start := time.Now()
		for i := 0; i < count; i++ {
			switch size {
			case 0:
				without()
			case 1:
				one()
			default:
				batch(size)
			}
		}
		fmt.Println(float64(time.Since(start).Nanoseconds()) / float64(count))
	}
}
