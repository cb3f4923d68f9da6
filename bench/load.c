/* Two loads that wrk does not make; results as one line of JSON, times in microseconds.
 *
 *   load rate PORT PATH KEY MODEL SECONDS RATE     requests at a fixed rate over 16 connections: latency
 *   load paced PORT PATH KEY SECONDS STREAMS       streams from the mock's "paced" model, kept up: lateness of chunks
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define MAX_STREAMS 4096
#define MAX_SAMPLES 20000000
#define BUF 65536

typedef struct {
  int fd;
  long sent;
  int busy;
  int used;
  char in[BUF + 1];
} Conn;

static Conn conns[MAX_STREAMS];
static int *samples;
static long count, failures, done;
static char request[8192];
static int request_len, port;

static long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void note(long ns) {
  if (count < MAX_SAMPLES) samples[count++] = (int)(ns / 1000);
}

static int order(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static void connect_to(Conn *c, int poll, int index) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int one = 1;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(c->fd, (struct sockaddr *)&address, sizeof address)) exit((perror("load"), 1));
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct epoll_event e = {.events = EPOLLIN, .data.u32 = index};
  epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &e);
}

static void ask(Conn *c) {
  c->busy = 1;
  c->used = 0;
  c->sent = now_ns();
  if (write(c->fd, request, request_len) != request_len) failures++;
}

/* A whole answer with Content-Length: returns 1 when it is there. */
static int whole(Conn *c) {
  c->in[c->used] = 0;
  char *end = strstr(c->in, "\r\n\r\n"), *length = strcasestr(c->in, "\r\ncontent-length:");
  if (!end || !length || length > end) return 0;
  if (c->used < (int)(end - c->in) + 4 + atoi(length + 17)) return 0;
  if (strncmp(c->in, "HTTP/1.1 200", 12)) failures++;
  return 1;
}

/* Stamps of a stream's chunks; returns 1 at its end. */
static int chunks(Conn *c, long now) {
  c->in[c->used] = 0;
  char *at = c->in, *stamp, *last = c->in;
  while ((stamp = strstr(at, "\"t\":"))) {
    char *close = strchr(stamp, '}');
    if (!close) break;
    note(now - atol(stamp + 4));
    at = last = close;
  }
  int ended = strstr(last, "\r\n0\r\n\r\n") != NULL;
  if (!last[0] && !ended) return 0;
  memmove(c->in, last, c->used - (last - c->in));
  c->used -= last - c->in;
  return ended;
}

int main(int argc, char **argv) {
  if (argc < 7) return fprintf(stderr, "see the head of load.c\n"), 2;
  int paced = !strcmp(argv[1], "paced"), poll = epoll_create1(0), rate = 0, n = 16;
  port = atoi(argv[2]);
  const char *model = paced ? "paced" : argv[5];
  double seconds = atof(argv[paced ? 5 : 6]);
  if (paced) n = atoi(argv[6]);
  else rate = atoi(argv[7]);
  char body[2048];
  int body_len = sprintf(body,
                         "{\"model\":\"%s\",%s\"messages\":[{\"role\":\"system\",\"content\":\"You are a helpful "
                         "assistant.\"},{\"role\":\"user\",\"content\":\"%0350d\"}],\"temperature\":0.7,\"max_tokens\":256}",
                         model, paced ? "\"stream\":true,\"stream_options\":{\"include_usage\":true}," : "", 7);
  request_len = sprintf(request,
                        "POST %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                        "Content-Length: %d\r\n\r\n%s",
                        argv[3], argv[4], body_len, body);
  samples = malloc(sizeof(int) * MAX_SAMPLES);
  for (int i = 0; i < n; i++) connect_to(&conns[i], poll, i);
  long start = now_ns(), stop = start + (long)(seconds * 1e9), next = start;
  /* Streams start spread over a second: a pace, not a volley. */
  int started = 0;
  struct epoll_event ready[512];
  while (now_ns() < stop) {
    long now = now_ns();
    if (paced && started < n && now - start > 1000000000L / n * started) ask(&conns[started++]);
    while (!paced && now >= next) {
      int i = 0;
      while (i < n && conns[i].busy) i++;
      if (i == n) break;
      ask(&conns[i]);
      next += 1000000000L / rate;
    }
    int got = epoll_wait(poll, ready, 512, 1);
    now = now_ns();
    for (int k = 0; k < got; k++) {
      Conn *c = &conns[ready[k].data.u32];
      ssize_t r = read(c->fd, c->in + c->used, BUF - c->used);
      if (r <= 0) exit((fprintf(stderr, "load: connection lost\n"), 1));
      c->used += r;
      if (paced ? chunks(c, now) : whole(c)) {
        if (!paced) note(now - c->sent);
        c->busy = 0;
        c->used = 0;
        done++;
        if (paced) ask(c);
      }
    }
  }
  qsort(samples, count, sizeof(int), order);
  long p50 = count ? samples[count / 2] : 0, p99 = count ? samples[count * 99 / 100] : 0;
  printf("{\"samples\": %ld, \"answers\": %ld, \"failures\": %ld, \"p50_us\": %ld, \"p99_us\": %ld, \"max_us\": %d}\n",
         count, done, failures, p50, p99, count ? samples[count - 1] : 0);
  return 0;
}
