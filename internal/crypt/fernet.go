package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// fernet is the layout of a Fernet token: version, time, initialisation vector, text
// (AES-128-CBC) and a checksum (HMAC-SHA256) of all that.
const (
	fernetVersion = 0x80
	fernetHead    = 1 + 8 + aes.BlockSize
)

// OpenFernet decrypts a token of the Fernet scheme, with which the reference keeps the
// data of blocks; key is its key in base64. The token's age does not matter.
func OpenFernet(key, token string) ([]byte, error) {
	k, err := base64.URLEncoding.DecodeString(key)
	if err != nil || len(k) != 32 {
		return nil, errors.New("this is not a Fernet key: 32 bytes in URL-safe base64")
	}
	raw, err := base64.URLEncoding.DecodeString(token)
	text := len(raw) - fernetHead - sha256.Size
	if err != nil || text <= 0 || text%aes.BlockSize != 0 || raw[0] != fernetVersion {
		return nil, errors.New("the encrypted text is damaged")
	}
	signed, sum := raw[:fernetHead+text], raw[fernetHead+text:]
	mac := hmac.New(sha256.New, k[:16])
	mac.Write(signed)
	if !hmac.Equal(mac.Sum(nil), sum) {
		return nil, errors.New("the encrypted text was made with another key")
	}
	block, err := aes.NewCipher(k[16:])
	if err != nil {
		return nil, err
	}
	plain := make([]byte, text)
	cipher.NewCBCDecrypter(block, signed[fernetHead-aes.BlockSize:fernetHead]).CryptBlocks(plain, signed[fernetHead:])
	return unpad(plain)
}

// unpad takes off the padding of PKCS #7.
func unpad(plain []byte) ([]byte, error) {
	n := int(plain[len(plain)-1])
	if n == 0 || n > aes.BlockSize {
		return nil, errors.New("the encrypted text is damaged")
	}
	return plain[:len(plain)-n], nil
}
