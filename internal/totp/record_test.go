package totp

import (
	"strings"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/secret"
)

const base32Seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // of RFC 6238, appendix B

func fields(pairs ...string) secret.Record {
	r := secret.Record{Path: "autotask/web", Version: 3, Fields: map[string]secret.Value{}}
	for i := 0; i < len(pairs); i += 2 {
		r.Fields[pairs[i]] = secret.NewValue(pairs[i+1])
	}
	return r
}

func TestASeedOfARecordIsReadAsPeopleWriteIt(t *testing.T) {
	plain := Settings{SHA1, 6, 30 * time.Second}
	for what, c := range map[string]struct {
		record secret.Record
		want   Settings
	}{
		"base32 alone":          {fields(FieldSeed, base32Seed), plain},
		"in groups, lower case": {fields(FieldSeed, " gezd gnbv-gy3t qojq gezd gnbv gy3t qojq\n"), plain},
		"padded":                {fields(FieldSeed, base32Seed+"===="), plain},
		"beside a credential":   {fields(FieldSeed, base32Seed, "username", "x", "secret", "y"), plain},
		"with settings":         {fields(FieldSeed, base32Seed, FieldAlgorithm, "sha-256", FieldDigits, "8", FieldPeriod, "60"), Settings{SHA256, 8, time.Minute}},
		"a URI":                 {fields(FieldSeed, "otpauth://totp/Autotask:api%40example.com?secret="+base32Seed+"&issuer=Autotask"), plain},
		"a URI with settings":   {fields(FieldSeed, "OTPAUTH://totp/x?secret="+strings.ToLower(base32Seed)+"&algorithm=SHA512&digits=8&period=60"), Settings{SHA512, 8, time.Minute}},
	} {
		seed, err := SeedFrom(c.record)
		if err != nil || seed.base32.Reveal() != base32Seed || seed.Settings() != c.want {
			t.Errorf("%s: %+v, error %v", what, seed.Settings(), err)
		}
	}
}

func TestWhatIsNoSeedIsSaidWithoutShowingIt(t *testing.T) {
	for what, c := range map[string]struct {
		record secret.Record
		says   string
	}{
		"none":                 {fields("secret", base32Seed), `"totp_seed" is missing`},
		"empty":                {fields(FieldSeed, ""), "0 bytes"},
		"not base32":           {fields(FieldSeed, base32Seed+"1"), "no base32"},
		"of another script":    {fields(FieldSeed, base32Seed+"２"), "no base32"},
		"too short":            {fields(FieldSeed, base32Seed[:8]), "5 bytes"},
		"too long":             {fields(FieldSeed, strings.Repeat(base32Seed, 100)), "too long"},
		"a counter's":          {fields(FieldSeed, "otpauth://hotp/x?secret="+base32Seed+"&counter=1"), "type totp"},
		"Steam's":              {fields(FieldSeed, "otpauth://totp/x?encoder=steam&secret="+base32Seed), "encoder"},
		"twice":                {fields(FieldSeed, "otpauth://totp/x?secret="+base32Seed+"&secret="+base32Seed), "secret twice"},
		"no URI":               {fields(FieldSeed, "otpauth://totp/%zz?secret="+base32Seed), "no otpauth URI that"},
		"bad parameters":       {fields(FieldSeed, "otpauth://totp/x?secret="+base32Seed+"&a=%zz"), "parameters"},
		"an unknown algorithm": {fields(FieldSeed, "otpauth://totp/x?algorithm=MD5&secret="+base32Seed), "algorithm is"},
		"seven digits":         {fields(FieldSeed, base32Seed, FieldDigits, "7"), "6 or 8"},
		"digits that are none": {fields(FieldSeed, base32Seed, FieldDigits, "six"), "6 or 8"},
		"a long period":        {fields(FieldSeed, base32Seed, FieldPeriod, "3600"), "300 at most"},
		"no period":            {fields(FieldSeed, base32Seed, FieldPeriod, "0"), "number of seconds"},
		"said twice":           {fields(FieldSeed, "otpauth://totp/x?secret="+base32Seed, FieldDigits, "8"), "leave it out"},
		"the seed elsewhere":   {fields(FieldSeed, base32Seed, FieldAlgorithm, base32Seed), "algorithm is"},
	} {
		_, err := SeedFrom(c.record)
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "autotask/web") || strings.Contains(err.Error(), base32Seed[:8]) {
			t.Errorf("%s: want %q, got: %v", what, c.says, err)
		}
	}
}

func FuzzSeedOfARecord(f *testing.F) {
	f.Add(base32Seed, "", "", "")
	f.Add("otpauth://totp/Autotask:x?secret="+base32Seed+"&digits=8&period=60&algorithm=SHA256", "", "", "")
	f.Add("gezd gnbv", "SHA-512", "8", "60")
	f.Fuzz(func(t *testing.T, seed, algorithm, digits, period string) {
		r := secret.Record{Fields: map[string]secret.Value{FieldSeed: secret.NewValue(seed)}}
		for name, text := range map[string]string{FieldAlgorithm: algorithm, FieldDigits: digits, FieldPeriod: period} {
			if text != "" {
				r.Fields[name] = secret.NewValue(text)
			}
		}
		s, err := SeedFrom(r)
		if err != nil {
			return
		}
		code, err := s.Code(time.Unix(1_760_000_000, 0))
		if err != nil || len(code.Text.Reveal()) != s.Settings().Digits {
			t.Fatalf("a seed that was taken makes no code: %v", err)
		}
		again, err := parseSeed(s.base32.Reveal(), s.Settings())
		if err != nil || !again.base32.Equal(s.base32) {
			t.Fatalf("it is another one when it is read again: %v", err)
		}
	})
}
