package notify

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"strconv"
	"strings"
)

// MailBlock is the type of the blocks that hold the access to a mail server.
const MailBlock = "email-server-credentials"

// mailServer is how mail is handed over: kind is SSL, STARTTLS or INSECURE.
type mailServer struct {
	host, user, password, from, kind string
	port                             int
}

func readMailServer(data map[string]any) (mailServer, error) {
	text := func(name, otherwise string) string {
		if v, ok := data[name].(string); ok && v != "" {
			return v
		}
		return otherwise
	}
	s := mailServer{host: text("smtp_server", "smtp.gmail.com"), user: text("username", ""), password: text("password", ""), kind: strings.ToUpper(text("smtp_type", "SSL"))}
	s.port = map[string]int{"SSL": 465, "STARTTLS": 587, "INSECURE": 25}[s.kind]
	if s.port == 0 {
		return s, fmt.Errorf("the block's smtp_type is %q; it is SSL, STARTTLS or INSECURE", s.kind)
	}
	if port, ok := data["smtp_port"].(float64); ok && port > 0 {
		s.port = int(port)
	}
	if _, err := mail.ParseAddress(s.user); err != nil {
		return s, errors.New("the block's username is no mail address to write from and to")
	}
	s.from = s.user
	return s, nil
}

// mail sends a letter with a block; one to nobody goes to the address that the block's account
// has.
func (c *Client) mail(ctx context.Context, data map[string]any, l Letter) error {
	s, err := readMailServer(data)
	if err != nil {
		return err
	}
	l.To = cmp.Or(l.To, s.from)
	return c.hand(ctx, s, c.onlyPublic(data), l)
}

// Mail sends a letter.
func (c *Client) Mail(ctx context.Context, data map[string]any, l Letter) error {
	switch {
	case data != nil:
		return c.mail(ctx, data, l)
	case c.Own == nil:
		return errors.New("this server sends no mail: whoever runs it sets USHER_SMTP_HOST, or the action names a block of a mail server")
	}
	return c.Own.Send(ctx, l)
}

// hand gives a letter to a mail server.
func (c *Client) hand(ctx context.Context, s mailServer, onlyPublic bool, l Letter) error {
	ctx, cancel := context.WithTimeout(ctx, 3*callTime)
	defer cancel()
	text, err := l.write(s.from, c.Clock())
	if err != nil {
		return err
	}
	client, err := c.connect(ctx, s, onlyPublic)
	if err != nil {
		return fmt.Errorf("cannot reach the mail server %s: %w", s.host, err)
	}
	defer client.Close()
	if err := deliver(client, s, l.To, text); err != nil {
		return fmt.Errorf("the mail server %s refused: %w", s.host, err)
	}
	return client.Quit()
}

// connect opens the conversation, under TLS unless the block says that there is none.
func (c *Client) connect(ctx context.Context, s mailServer, onlyPublic bool) (*smtp.Client, error) {
	conn, err := c.dial(ctx, onlyPublic, net.JoinHostPort(s.host, strconv.Itoa(s.port)))
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	config := c.tls(true)
	config.ServerName = s.host
	if s.kind == "SSL" {
		conn = tls.Client(conn, config)
	}
	client, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if s.kind == "STARTTLS" {
		if err := client.StartTLS(config); err != nil {
			return nil, errors.Join(err, client.Close())
		}
	}
	return client, nil
}

func deliver(client *smtp.Client, s mailServer, to string, text []byte) error {
	if ok, _ := client.Extension("AUTH"); ok && s.password != "" {
		if err := client.Auth(smtp.PlainAuth("", s.user, s.password, s.host)); err != nil {
			return err
		}
	}
	if err := client.Mail(s.from); err != nil {
		return err
	}
	if err := client.Rcpt(to); err != nil {
		return err
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	return w.Close()
}
