package app

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/windhover-io/windhover/internal/expr"
)

// Cipher encrypts and decrypts with the configured key; without one it does neither.
type Cipher struct{ key string }

// NewCipher checks the key, which is base64 of 16, 24 or 32 bytes, or "".
func NewCipher(key string) (*Cipher, error) {
	if key == "" {
		return &Cipher{}, nil
	}
	raw, err := base64.StdEncoding.DecodeString(key)
	if n := len(raw); err != nil || n != 16 && n != 24 && n != 32 {
		return nil, fmt.Errorf("encryption.secret-key: expected 16, 24 or 32 bytes in base64")
	}
	return &Cipher{key}, nil
}

// RandomKey is a key for a process that keeps nothing: so secrets can be encrypted where none is configured.
func RandomKey() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	return base64.StdEncoding.EncodeToString(raw)
}

// encrypt returns the function that encrypts, nil where there is no key.
func (c *Cipher) encrypt() func(string) (string, error) {
	if c.key == "" {
		return nil
	}
	return func(text string) (string, error) {
		nonce := make([]byte, expr.NonceSize)
		_, _ = rand.Read(nonce)
		return expr.Encrypt(c.key, text, nonce)
	}
}

// decrypt returns the function that decrypts, nil where there is no key.
func (c *Cipher) decrypt() func(string) (string, error) {
	if c.key == "" {
		return nil
	}
	return func(text string) (string, error) { return expr.Decrypt(c.key, text) }
}
