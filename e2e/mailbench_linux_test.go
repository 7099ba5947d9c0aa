package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/imaptest"
)

// The figures of the mail broker: scripts/mailbench runs these, and says how.

const mib = 1 << 20

// word names a number without digits: subjects that differ by those alone are alike to the guard against loops.
func word(n int) string {
	return strings.Map(func(r rune) rune { return r - '0' + 'a' }, strconv.Itoa(n))
}

// letter is a mail of a size at least, each from another sender but for those of contacts.
func (w *mailWorld) letter(n int, known bool, size int) []byte {
	from := fmt.Sprintf("stranger-%d@somewhere-%d.test", n, n)
	if contacts := w.tenant.Records("Contacts"); known {
		from = contacts[n%len(contacts)]["emailAddress"].(string)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: <%s>\r\nTo: %s\r\nMessage-ID: <%d@bench.test>\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\nSubject: printer %s\r\n\r\n", from, imaptest.User, n, word(n))
	for b.Len() < size {
		b.WriteString("It does not print, whatever is tried; please look at it when there is time.\r\n")
	}
	return b.Bytes()
}

// parcel is a mail with files of a size, as many as make it so large.
func (w *mailWorld) parcel(n, file, whole int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: <%s>\r\nTo: %s\r\nMessage-ID: <%d@bench.test>\r\nSubject: parcel %d\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=bench\r\n\r\n",
		w.tenant.Records("Contacts")[0]["emailAddress"], imaptest.User, n, n)
	b.WriteString("--bench\r\nContent-Type: text/plain\r\n\r\nSee the files.\r\n")
	bytes := make([]byte, file)
	for k := 0; b.Len() < whole; k++ {
		_, _ = rand.NewChaCha8([32]byte{byte(n), byte(k)}).Read(bytes)
		text := base64.StdEncoding.EncodeToString(bytes)
		fmt.Fprintf(&b, "--bench\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=%d.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n", k)
		for len(text) > 0 {
			line := text[:min(76, len(text))]
			text = text[len(line):]
			b.WriteString(line + "\r\n")
		}
	}
	b.WriteString("--bench--\r\n")
	return b.Bytes()
}

// quantile is one of a list.
func quantile(of []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return float64(sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Microseconds()) / 1000
}

// From where a mail is accepted (250 was said, or it is in the inbox) to when the PSA stores its ticket, one mail at a time.
// b.N is how many.
func BenchmarkMailAccepted(b *testing.B) {
	for _, by := range []string{"smtp", "imap"} {
		for _, from := range []string{"contact", "stranger"} {
			b.Run(by+"/"+from, func(b *testing.B) {
				var w *mailWorld
				if by == "imap" {
					w = newMailWorld(b, imaptest.Start(b, imaptest.Options{}))
					w.start(w.mailbox("support", imaptest.User, "off"))
				} else {
					w = newMailWorld(b, nil)
					w.start(w.mailbox("support", "", ""))
				}
				w.arrive(w.letter(0, true, 1000)) // what is asked once: the zone, the picklists
				w.ticket()
				var took []time.Duration
				requests := 0
				for n := range b.N {
					time.Sleep(time.Second + rand.N(500*time.Millisecond)) // the mail before is done with
					w.creates()
					accepted := w.arrive(w.letter(n+1, from == "contact", 4<<10))
					at, asked := w.ticket()
					requests += asked
					took = append(took, at.Sub(accepted))
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(quantile(took, 0.5), "p50-ms")
				b.ReportMetric(quantile(took, 0.99), "p99-ms")
				b.ReportMetric(float64(requests)/float64(b.N), "requests/mail")
			})
		}
	}
}

// How many mails a second are accepted by SMTP, each durable when 250 is said, while tickets are being made of them: by one client,
// and by as many at once as are taken. b.N is how many mails.
func BenchmarkMailSpool(b *testing.B) {
	for _, size := range []int{4 << 10, 200 << 10} {
		for _, clients := range []int{1, 4} {
			b.Run(fmt.Sprintf("%dKiB/clients-%d", size>>10, clients), func(b *testing.B) {
				w := newMailWorld(b, nil)
				w.start(w.mailbox("support", "", ""))
				w.arrive(w.letter(0, true, 1000))
				w.ticket()
				var all sync.WaitGroup
				var next atomic.Int64
				mails := make([][]byte, b.N)
				for n := range mails {
					mails[n] = w.letter(n, false, size)
				}
				b.ResetTimer()
				for range clients {
					all.Go(func() {
						for n := int(next.Add(1)) - 1; n < b.N; n = int(next.Add(1)) - 1 {
							w.arrive(mails[n])
						}
					})
				}
				all.Wait()
				b.StopTimer()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
				b.ReportMetric(float64(b.N)*float64(size)/b.Elapsed().Seconds()/mib, "MiB/s")
			})
		}
	}
}

// laidDown is what the log says of the second mail when nothing more is done for it now.
var laidDown = regexp.MustCompile(`"a mail has ended".*"mail":2,|"a send for a mail failed".*"mail":2,`)

// The most memory that the process takes while a large mail comes in and becomes a ticket, beside what it has without one.
func BenchmarkMailMemory(b *testing.B) {
	for _, by := range []string{"smtp", "imap"} {
		for _, mail := range []struct {
			name        string
			file, whole int
		}{{"7-files-40MB", 4_100_000, 40_000_000}, {"1-file-25MB", 25_000_000, 1_000_000}} {
			b.Run(by+"/"+mail.name, func(b *testing.B) {
				var w *mailWorld
				if by == "imap" {
					w = newMailWorld(b, imaptest.Start(b, imaptest.Options{}))
					w.start(w.mailbox("support", imaptest.User, "off"))
				} else {
					w = newMailWorld(b, nil)
					w.start(w.mailbox("support", "", ""))
				}
				w.arrive(w.letter(0, true, 1000))
				w.ticket()
				time.Sleep(time.Second)
				before := w.memory("VmRSS")
				raw := w.parcel(1, mail.file, mail.whole)
				w.forgetPeak()
				began := w.processor()
				at := w.arrive(raw)
				spooled := w.memory("VmHWM")
				ticket, _ := w.ticket()
				w.until("its files are done with, or wait for the PSA's limit", func() bool {
					return laidDown.MatchString(w.log())
				})
				peak := w.memory("VmHWM")
				w.profile("allocs")
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(before/mib, "before-MiB")
				if by == "smtp" {
					b.ReportMetric(spooled/mib, "spooled-MiB")
				}
				b.ReportMetric(peak/mib, "peak-MiB")
				b.ReportMetric((peak-before)/float64(len(raw)), "ratio-to-mail")
				b.ReportMetric(ticket.Sub(at).Seconds(), "ticket-s")
				b.ReportMetric((w.processor() - began).Seconds(), "cpu-s")
			})
		}
	}
}

// idleMailboxes is how many are idle.
const idleMailboxes = 100

// What mailboxes cost that wait for news over TLS: memory, and processor time in a minute, beside a process with one.
func BenchmarkMailIdle(b *testing.B) {
	for _, n := range []int{1, idleMailboxes} {
		b.Run(fmt.Sprintf("mailboxes-%d", n), func(b *testing.B) {
			var users []string
			for k := range n {
				users = append(users, fmt.Sprintf("box-%d@example.test", k))
			}
			w := newMailWorld(b, imaptest.Start(b, imaptest.Options{Users: users}))
			blocks := ""
			for k, user := range users {
				blocks += w.mailbox(fmt.Sprintf("box-%d", k), user, "on")
			}
			w.start(blocks)
			w.until("all are idle", func() bool { return w.inbox.SignIns() >= n })
			time.Sleep(10 * time.Second)
			w.forgetPeak()
			began := w.processor()
			time.Sleep(time.Minute)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(w.memory("VmRSS")/mib, "MiB")
			b.ReportMetric((w.processor()-began).Seconds()*1000, "cpu-ms/min")
			b.ReportMetric(float64(w.connections(w.inbox.TLS)), "connections")
			b.ReportMetric(float64(w.inbox.SignIns()), "sign-ins")
		})
	}
}

// How fast mails become tickets that wait in one mailbox. b.N is how many.
func BenchmarkMailDrain(b *testing.B) {
	for _, from := range []string{"contact", "stranger"} {
		b.Run(from, func(b *testing.B) {
			w := newMailWorld(b, imaptest.Start(b, imaptest.Options{}))
			for n := range b.N {
				w.arrive(w.letter(n, from == "contact", 4<<10))
			}
			began := time.Now()
			w.start(w.mailbox("support", imaptest.User, "off"))
			made, requests := 0, 0
			var first, last time.Time
			w.until("all are tickets", func() bool {
				at, asked := w.creates()
				requests += asked
				if made == 0 && len(at) > 0 {
					first = at[0]
				}
				made += len(at)
				last = time.Now()
				return made >= b.N
			})
			spooled := w.memory("VmHWM")
			w.until("all are moved", func() bool { return len(w.inbox.Folder("Processed")) == b.N })
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(first.Sub(began).Seconds(), "first-s")
			b.ReportMetric(last.Sub(began).Seconds(), "all-s")
			b.ReportMetric(float64(b.N)/last.Sub(began).Seconds(), "tickets/s")
			b.ReportMetric(float64(requests)/float64(b.N), "requests/mail")
			b.ReportMetric(spooled/mib, "peak-MiB")
		})
	}
}
