/* Counts the bytes that a program copies, put before libc by LD_PRELOAD: at its end it writes their
   number to the file that COPIES names. What is copied within a register or two is not a call. */
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_ulong copied;

void *memcpy(void *to, const void *from, size_t count) {
  void *start = to;
  atomic_fetch_add_explicit(&copied, count, memory_order_relaxed);
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory");
  return start;
}

void *memmove(void *to, const void *from, size_t count) {
  if ((size_t)((char *)to - (const char *)from) >= count) return memcpy(to, from, count);
  atomic_fetch_add_explicit(&copied, count, memory_order_relaxed);
  for (size_t at = count; at-- > 0;) ((volatile char *)to)[at] = ((const char *)from)[at];
  return to;
}

__attribute__((destructor)) static void tell(void) {
  const char *path = getenv("COPIES");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  fprintf(file, "%lu\n", atomic_load(&copied));
  fclose(file);
}
