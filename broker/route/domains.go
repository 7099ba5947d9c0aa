package route

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// freeMail are domains where anyone has an address; each with all that lies below it. Ones that are missing are for
// Mailbox.FreeMail: a company whose domain is public in truth would own the mail of strangers.
var freeMail = strings.Fields(`
	gmail.com googlemail.com outlook.com hotmail.com hotmail.co.uk hotmail.de hotmail.fr hotmail.it hotmail.es live.com live.co.uk live.de live.fr live.nl
	msn.com passport.com outlook.de outlook.fr outlook.es yahoo.com yahoo.co.uk yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.ca yahoo.co.in yahoo.co.jp yahoo.com.au
	yahoo.com.br ymail.com rocketmail.com aol.com aim.com icloud.com me.com mac.com gmx.com gmx.de gmx.net gmx.at gmx.ch gmx.fr web.de t-online.de
	freenet.de arcor.de mail.de posteo.de mailbox.org proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tuta.com tuta.io
	fastmail.com fastmail.fm hushmail.com zoho.com zohomail.com mail.com email.com usa.com inbox.com gmx.us mail.ru bk.ru list.ru inbox.ru internet.ru
	yandex.ru yandex.com ya.ru rambler.ru ukr.net i.ua meta.ua qq.com foxmail.com 163.com 126.com yeah.net sina.com sohu.com aliyun.com naver.com daum.net
	hanmail.net rediffmail.com orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr libero.it virgilio.it tiscali.it alice.it tin.it
	telefonica.net terra.com.br uol.com.br bol.com.br ig.com.br globo.com wp.pl o2.pl onet.pl interia.pl op.pl gazeta.pl seznam.cz email.cz centrum.cz
	bluewin.ch sunrise.ch hispeed.ch aon.at chello.at chello.nl ziggo.nl kpnmail.nl planet.nl home.nl hetnet.nl telenet.be skynet.be proximus.be
	btinternet.com sky.com virginmedia.com ntlworld.com blueyonder.co.uk talktalk.net tiscali.co.uk comcast.net verizon.net att.net sbcglobal.net bellsouth.net
	cox.net charter.net earthlink.net optonline.net juno.com netzero.net frontier.com windstream.net centurylink.net roadrunner.com rr.com
	shaw.ca rogers.com telus.net sympatico.ca bell.net videotron.ca bigpond.com bigpond.net.au optusnet.com.au iinet.net.au xtra.co.nz
	online.no telia.com comhem.se bredband.net mail.dk sapo.pt duck.com relay.firefox.com privaterelay.appleid.com simplelogin.com anonaddy.com
`)

// domainMost is the longest domain that there can be, in bytes (RFC 1035 section 2.3.4, without its root).
const domainMost = 253

// candidates are the domains whose company may be the sender's: that of the address, and those above it, down to what one
// can register (below the public suffix). None where anyone has addresses.
func candidates(domain string, more []string) (domains []string) {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	for _, free := range slices.Concat(freeMail, more) {
		if free = strings.ToLower(free); domain == free || strings.HasSuffix(domain, "."+free) {
			return nil
		}
	}
	if len(domain) > domainMost {
		return nil
	}
	registered, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil { // a public suffix itself, or no domain
		return nil
	}
	for d := domain; ; {
		domains = append(domains, d)
		if d == registered || len(domains) == 5 {
			return domains
		}
		_, d, _ = strings.Cut(d, ".")
	}
}
