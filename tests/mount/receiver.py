#!/usr/bin/env python3
"""receiver.py DIRECTORY [CERTIFICATE KEY]: receives webhooks on a free port of 127.0.0.1 (DIRECTORY/port) until it is
killed. Each request is a line of DIRECTORY/requests when it has come: {"at","path","headers","body","busy","connection",
"url"}; `busy` is how many requests of its path are being answered, itself counted.

Integrations have no path of their own: it is what a request for PostHog has as its api_key, one for Google Analytics as
its api_secret, and one for Sentry before /api/; `url` tells what was asked for.

What is answered, the first step of the path says:
    /ok/…         200
    /NNN/…        that status
    /first/N/…    503 for the first N attempts of each webhook-id, then 200
    /control/X    the status in DIRECTORY/X, as it is then
    /slow/MS/…    200 after so long
    /gone/…       410
    /later/S/…    429 with Retry-After: S for the first request, then 200
    /limit/N/X/…  N with X-Sentry-Rate-Limits: X for the first request, then 200
    /move/…       302 to /ok/moved
    /hang/…       nothing
    /garbage/…    bytes that are no HTTP
    /cut/…        200, and a body that ends too soon
    /cuthead/…    a status line, and the end
    /big/…        200 with 10 MB
    /endless/…    200 and a body that never ends
"""
import json
import os
import socket
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

directory = sys.argv[1]
log = open(os.path.join(directory, 'requests'), 'a', buffering=1)
lock = threading.Lock()
busy, attempts, connections = {}, {}, 0


class Receiver(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self):
        global connections
        super().setup()
        with lock:
            connections += 1
            self.number = connections

    def log_message(self, *arguments):
        pass

    def plain(self, status, headers=(), body=b''):
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def raw(self, text):
        self.wfile.write(text)
        self.wfile.flush()
        self.close_connection = True

    def answer(self, steps):
        kind = steps[0]
        seen = attempts.get((self.path, self.headers.get('webhook-id')), 0)
        if kind.isdigit():
            self.plain(int(kind))
        elif kind == 'first':
            self.plain(503 if seen <= int(steps[1]) else 200)
        elif kind == 'control':
            with open(os.path.join(directory, steps[1])) as file:
                self.plain(int(file.read()))
        elif kind == 'slow':
            time.sleep(int(steps[1]) / 1000)
            self.plain(200)
        elif kind == 'gone':
            self.plain(410)
        elif kind == 'later':
            with lock:
                first = not attempts.setdefault(('later', self.path), 0)
                attempts['later', self.path] = 1
            self.plain(429 if first else 200, [('Retry-After', steps[1])] if first else [])
        elif kind == 'limit':
            with lock:
                first = not attempts.setdefault(('limit', self.path), 0)
                attempts['limit', self.path] = 1
            self.plain(int(steps[1]) if first else 200, [('X-Sentry-Rate-Limits', steps[2])] if first else [])
        elif kind == 'move':
            self.plain(302, [('Location', '/ok/moved')])
        elif kind == 'hang':
            self.connection.settimeout(60)
            self.rfile.read(1)
            self.close_connection = True
        elif kind == 'garbage':
            self.raw(os.urandom(300).replace(b'HTTP', b'ptth') + b'\n\n')
        elif kind == 'cut':
            self.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ntoo short')
        elif kind == 'cuthead':
            self.raw(b'HTTP/1.1 200 OK\r\n')
        elif kind == 'big':
            self.plain(200, body=b'x' * 10_000_000)
        elif kind == 'endless':
            self.raw(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
            while True:
                self.raw(b'1000\r\n' + b'x' * 4096 + b'\r\n')
        else:
            self.plain(200, body=b'ok')

    def path_of(self, url, body):
        parts = urllib.parse.urlsplit(url)
        if parts.path == '/batch/':
            return '/' + json.loads(body)['api_key']
        if parts.path == '/mp/collect':
            return '/' + urllib.parse.parse_qs(parts.query)['api_secret'][0]
        if parts.path.endswith('/envelope/'):
            return parts.path[:parts.path.index('/api/')]
        return url

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        url = self.path
        self.path = self.path_of(url, body)
        with lock:
            key = (self.path, self.headers.get('webhook-id'))
            attempts[key] = attempts.get(key, 0) + 1
            busy[self.path] = busy.get(self.path, 0) + 1
            log.write(json.dumps({
                'at': time.time(), 'path': self.path, 'headers': {k.lower(): v for k, v in self.headers.items()},
                'body': body.decode(), 'busy': busy[self.path], 'connection': self.number, 'url': url}) + '\n')
        try:
            self.answer(self.path.strip('/').split('/'))
        except (BrokenPipeError, ConnectionResetError, TimeoutError, ssl.SSLError):
            self.close_connection = True
        finally:
            with lock:
                busy[self.path] -= 1

    def do_GET(self):
        self.do_POST() if 'Content-Length' in self.headers else self.plain(200)


class Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True

    def handle_error(self, request, address):
        pass


server = Server(('127.0.0.1', 0), Receiver)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(os.path.join(directory, 'port.part'), 'w') as file:
    file.write(str(server.server_port))
os.rename(os.path.join(directory, 'port.part'), os.path.join(directory, 'port'))
server.serve_forever()
