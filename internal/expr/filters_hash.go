package expr

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"unicode/utf8"
)

// The hashes are part of the language; flows use them for names and keys, not for secrecy.

func md5Filter(c *invocation) (any, error) {
	return hashed(c, func(b []byte) []byte { h := md5.Sum(b); return h[:] })
}

func sha1Filter(c *invocation) (any, error) {
	return hashed(c, func(b []byte) []byte { h := sha1.Sum(b); return h[:] })
}

func sha256Filter(c *invocation) (any, error) {
	return hashed(c, func(b []byte) []byte { h := sha256.Sum256(b); return h[:] })
}

func sha512Filter(c *invocation) (any, error) {
	return hashed(c, func(b []byte) []byte { h := sha512.Sum512(b); return h[:] })
}

func hashed(c *invocation, sum func([]byte) []byte) (any, error) {
	s, err := c.inText()
	if err != nil {
		return nil, err
	}
	return hex.EncodeToString(sum([]byte(s))), nil
}

// NonceSize is how many random bytes Encrypt needs.
const NonceSize = 12

func newGCM(key string) (cipher.AEAD, error) {
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		if raw, err = base64.RawStdEncoding.DecodeString(key); err != nil {
			return nil, errors.New("the key must be base64")
		}
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("the key must be of 16, 24 or 32 bytes, found %d", len(raw))
	}
	return cipher.NewGCM(block)
}

// Encrypt encrypts text with AES-GCM and the key, base64 of 16, 24 or 32 bytes. The result is base64 of the nonce,
// which must be random and of NonceSize bytes, the ciphertext and its tag.
func Encrypt(key, text string, nonce []byte) (string, error) {
	gcm, err := newGCM(key)
	if err != nil {
		return "", err
	}
	if len(nonce) != NonceSize {
		return "", fmt.Errorf("the nonce must be of %d bytes, found %d", NonceSize, len(nonce))
	}
	return base64.StdEncoding.EncodeToString(gcm.Seal(nonce[:NonceSize:NonceSize], nonce, []byte(text), nil)), nil
}

// Decrypt is the inverse of Encrypt.
func Decrypt(key, text string) (string, error) {
	gcm, err := newGCM(key)
	if err != nil {
		return "", err
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(data) < NonceSize {
		return "", errors.New("not an encrypted text")
	}
	plain, err := gcm.Open(nil, data[:NonceSize], data[NonceSize:], nil)
	if err != nil || !utf8.Valid(plain) {
		return "", errors.New("the text was not encrypted with this key")
	}
	return string(plain), nil
}
