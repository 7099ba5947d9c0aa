package main

import (
	"errors"
	"net"
	"strings"
	"testing"
)

func TestTheDeskIsAfterTheGatewayWhereThatIsFree(t *testing.T) {
	first, err := listenAfter("127.0.0.1:0", 0) // any free one
	if err != nil {
		t.Fatal(err)
	}
	taken := first.Addr().String()
	other, err := listenAfter(taken, 0)
	if err != nil || other.Addr().String() == taken {
		t.Fatalf("%v beside %s: %v", other, taken, err)
	}
	if err := errors.Join(other.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	if l, err := net.Listen("tcp", taken); err == nil { // nobody else has come meanwhile
		_ = l.Close()
		again, err := listenAfter(taken, 0)
		if err != nil || again.Addr().String() != taken {
			t.Errorf("%v, not %s: %v", again, taken, err)
		}
		_ = again.Close()
	}
	for _, address := range []string{"127.0.0.1:65535", "nothing"} {
		l, err := listenAfter(address, 1)
		if err != nil {
			t.Fatalf("after %s: %v", address, err)
		}
		if ip := l.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
			t.Errorf("after %s it is %s, where others come", address, ip)
		}
		_ = l.Close()
	}
}

func TestADeskListensOnLoopbackAloneWhereverTheGatewayIs(t *testing.T) {
	d, err := openDesk("0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	for _, url := range []string{d.url(), d.provider.URL()} {
		if !strings.HasPrefix(url, "http://127.0.0.1:") {
			t.Errorf("it is at %s", url)
		}
	}
}
