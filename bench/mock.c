/* An upstream that costs next to nothing: what is measured must be what stands in front of it.
 *
 *   mock PORT
 *
 * One thread, epoll, HTTP/1.1 with kept connections. By path and body:
 *   .../chat/completions           a fixed chat completion of 1,092 bytes
 *   ... with "stream":true         53 events of about 310 bytes at once, chunked
 *   ... and "model":"paced"        one event every 10 ms (100 of them), each with its time of sending
 *   .../messages                   the same in Anthropic's form (whole only)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_FDS 16384
#define BUF 262144
#define EVENTS 53
#define PACED_EVENTS 100

typedef struct {
  char *in;
  int used;
  int paced_left;
} Conn;

static Conn conns[MAX_FDS];
static char chat[4096], messages[4096], stream[65536];
static int chat_len, messages_len, stream_len;

static long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000L + t.tv_nsec;
}

static int whole(char *out, const char *json) {
  return sprintf(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(json),
                 json);
}

static int event(char *out, const char *content, long stamp) {
  char data[1024];
  int n = sprintf(data,
                  "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
                  "\"model\":\"bench\",\"system_fingerprint\":\"fp_0123456789\",\"choices\":[{\"index\":0,\"delta\":{"
                  "\"content\":\"%s\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null,\"t\":%ld}\n\n",
                  content, stamp);
  return sprintf(out, "%x\r\n%s\r\n", n, data);
}

static int stream_end(char *out) {
  const char *data =
      "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\","
      "\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":50,\"total_tokens\":150}}\n\n"
      "data: [DONE]\n\n";
  return sprintf(out, "%zx\r\n%s\r\n0\r\n\r\n", strlen(data), data);
}

static void prepare(void) {
  char text[1024], json[3000];
  memset(text, 'a', sizeof text);
  text[640] = 0;
  sprintf(json,
          "{\"id\":\"chatcmpl-bench-0123456789\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"bench\","
          "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\",\"refusal\":null},"
          "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":50,"
          "\"total_tokens\":150,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
          "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0}},\"service_tier\":\"default\"}",
          text);
  chat_len = whole(chat, json);
  sprintf(json,
          "{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\",\"content\":[{"
          "\"type\":\"text\",\"text\":\"%s\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{"
          "\"input_tokens\":100,\"output_tokens\":50}}",
          text);
  messages_len = whole(messages, json);
  stream_len = sprintf(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < EVENTS - 1; i++) stream_len += event(stream + stream_len, "token ", 0);
  stream_len += stream_end(stream + stream_len);
}

static void put(int fd, const char *data, int n) {
  while (n > 0) {
    ssize_t done = write(fd, data, n);
    if (done < 0 && errno == EAGAIN) continue;
    if (done <= 0) return;
    data += done;
    n -= done;
  }
}

static void answer(int fd, const char *head, const char *body) {
  if (strstr(head, "/messages ") || strstr(head, "/messages?")) return put(fd, messages, messages_len);
  if (!strstr(body, "\"stream\":true") && !strstr(body, "\"stream\": true")) return put(fd, chat, chat_len);
  if (!strstr(body, "\"paced\"")) return put(fd, stream, stream_len);
  const char *start = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  put(fd, start, strlen(start));
  conns[fd].paced_left = PACED_EVENTS;
}

static void drop(int fd) {
  free(conns[fd].in);
  memset(&conns[fd], 0, sizeof(Conn));
  close(fd);
}

static void readable(int fd) {
  Conn *c = &conns[fd];
  if (!c->in) c->in = malloc(BUF + 1);
  ssize_t n = read(fd, c->in + c->used, BUF - c->used);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return drop(fd);
  c->used += n;
  for (;;) {
    c->in[c->used] = 0;
    char *end = memmem(c->in, c->used, "\r\n\r\n", 4);
    if (!end) return;
    *end = 0;
    char *length = strcasestr(c->in, "\r\ncontent-length:");
    int body = length ? atoi(length + 17) : 0;
    int total = (int)(end - c->in) + 4 + body;
    if (c->used < total) {
      *end = '\r';
      return;
    }
    char kept = c->in[total];
    c->in[total] = 0;
    answer(fd, c->in, end + 4);
    c->in[total] = kept;
    memmove(c->in, c->in + total, c->used - total);
    c->used -= total;
  }
}

/* Every millisecond a tenth of the streams has its turn: a pace, not a volley. */
static void tick(int turn) {
  char out[2048];
  for (int fd = turn; fd < MAX_FDS; fd += 10) {
    if (!conns[fd].paced_left) continue;
    int n = --conns[fd].paced_left ? event(out, "token ", now_ns()) : stream_end(out);
    put(fd, out, n);
  }
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN); /* a gateway that leaves in the middle of a stream must not end all measurements */
  prepare();
  int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(server, (struct sockaddr *)&address, size) || listen(server, 4096)) return perror("mock"), 1;
  getsockname(server, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  int poll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct itimerspec every = {{0, 1000000}, {0, 1000000}};
  int turn = 0;
  timerfd_settime(timer, 0, &every, NULL);
  struct epoll_event e = {.events = EPOLLIN, .data.fd = server}, ready[512];
  epoll_ctl(poll, EPOLL_CTL_ADD, server, &e);
  e.data.fd = timer;
  epoll_ctl(poll, EPOLL_CTL_ADD, timer, &e);
  for (;;) {
    int n = epoll_wait(poll, ready, 512, -1);
    for (int i = 0; i < n; i++) {
      int fd = ready[i].data.fd;
      if (fd == timer) {
        long times;
        if (read(timer, &times, sizeof times) > 0)
          while (times-- > 0) tick(turn = (turn + 1) % 10);
      } else if (fd != server) {
        readable(fd);
      } else {
        int client;
        while ((client = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
          if (client >= MAX_FDS) {
            close(client);
            continue;
          }
          setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          e.events = EPOLLIN;
          e.data.fd = client;
          epoll_ctl(poll, EPOLL_CTL_ADD, client, &e);
        }
      }
    }
  }
}
