package totp

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"

	"github.com/pquerna/otp"
)

// errPicture hides what the libraries say, which may be the URI.
var errPicture = errors.New("no QR code can be made: choose a picture of 200 to 2000 pixels, and a shorter account name")

// PNG is the QR code of the otpauth URI as a picture of so many pixels each way, with the quiet zone that readers want.
func (b Enrolling) PNG(pixels int) ([]byte, error) {
	key, err := otp.NewKeyFromURL(b.URI.Reveal())
	if err != nil {
		return nil, errPicture
	}
	return picture(key, pixels)
}

// picture draws the QR code of a key. The library draws none of the white around it, without which cameras do not find it: 4
// modules (ISO/IEC 18004, 9.1); it is a tenth of the picture here, which is more.
func picture(key *otp.Key, pixels int) ([]byte, error) {
	if pixels < 200 || pixels > 2000 {
		return nil, errPicture
	}
	margin := pixels / 10
	code, err := key.Image(pixels-2*margin, pixels-2*margin)
	if err != nil {
		return nil, errPicture
	}
	all := image.NewPaletted(image.Rect(0, 0, pixels, pixels), color.Palette{color.White, color.Black})
	draw.Draw(all, code.Bounds().Add(image.Pt(margin, margin)), code, code.Bounds().Min, draw.Src)
	var b bytes.Buffer
	if err := png.Encode(&b, all); err != nil {
		return nil, errPicture
	}
	return b.Bytes(), nil
}
