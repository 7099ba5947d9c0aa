package report

import "fmt"

// Zones writes where the logins' calls go, for people.
func (p Printer) Zones(z Zones) {
	for _, zone := range z.Zones {
		p.line("login %s: %s", zone.Login, or(zone.URL, "zone not known yet"))
		if zone.Name != "" || zone.Tenant != 0 {
			p.field("zone", "%s, tenant %d", or(zone.Name, "unnamed"), zone.Tenant)
		}
		if zone.WebURL != "" {
			p.field("web", "%s", zone.WebURL)
		}
		if zone.URL != "" && zone.Source != "" {
			p.field("known", "%s", p.zoneSource(zone, z))
		}
		if zone.Error != "" {
			p.field("error", "%s", zone.Error)
		}
	}
	if len(z.Zones) == 0 {
		p.line("no logins in the config")
	}
}

func (p Printer) zoneSource(zone ZoneStatus, z Zones) string {
	text := sentence(zone.Source, map[string]string{
		ZoneConfigured: "from the config",
		ZoneLookedUp:   "looked up",
		ZoneCached:     "looked up before this start",
	})
	if zone.LookedUpAt != nil {
		text += fmt.Sprintf(" at %s (%s ago)", p.clock(*zone.LookedUpAt, z.Time), age(z.Time.Sub(*zone.LookedUpAt)))
	}
	return text
}
