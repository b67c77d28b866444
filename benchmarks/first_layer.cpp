// The first convolution of the network `bolivar`, 5 x 5 x 3 to 64 channels on stamps of 21 x 21 pixels, with the
// channels last: output without bias, and gradient of the weights, in registers of eight numbers. Patches are read
// where they are. One thread; sums are in a fixed order.

typedef float eight __attribute__((vector_size(32), aligned(4)));
constexpr int SIDE = 21, KERNEL = 5, CHANNELS = 3, OUT = 64, OUT_SIDE = SIDE - KERNEL + 1;
constexpr int ROW = KERNEL * CHANNELS;  // numbers of a patch's row, side by side in memory

static inline eight load(const float *from) { return *(const eight *)from; }

// a run of PIXELS output pixels of a row, 16 channels of them
template <int PIXELS>
static inline void pixels(const float *stamp, const float *weights, float *out) {
    eight sums[PIXELS][2] = {};
    for (int row = 0; row < KERNEL; row++)
        for (int place = 0; place < ROW; place++) {
            const float *own = weights + (row * ROW + place) * OUT;
            const eight first = load(own), second = load(own + 8);
            const float *values = stamp + row * SIDE * CHANNELS + place;
            for (int pixel = 0; pixel < PIXELS; pixel++) {
                sums[pixel][0] += values[pixel * CHANNELS] * first;
                sums[pixel][1] += values[pixel * CHANNELS] * second;
            }
        }
    for (int pixel = 0; pixel < PIXELS; pixel++) {
        *(eight *)(out + pixel * OUT) = sums[pixel][0];
        *(eight *)(out + pixel * OUT + 8) = sums[pixel][1];
    }
}

// stamps (batch, 21, 21, 3), weights (5, 5, 3, 64), out (batch, 17, 17, 64)
extern "C" void convolve(const float *stamps, const float *weights, float *out, int batch) {
    for (int line = 0; line < batch * OUT_SIDE; line++) {
        const float *stamp = stamps + (line / OUT_SIDE * SIDE + line % OUT_SIDE) * SIDE * CHANNELS;
        float *own = out + line * OUT_SIDE * OUT;
        for (int channel = 0; channel < OUT; channel += 16) {
            pixels<6>(stamp, weights + channel, own + channel);
            pixels<6>(stamp + 6 * CHANNELS, weights + channel, own + 6 * OUT + channel);
            pixels<5>(stamp + 12 * CHANNELS, weights + channel, own + 12 * OUT + channel);
        }
    }
}

// found (5, 5, 3, 64) must be zeros; gradient (batch, 17, 17, 64)
extern "C" void weight_gradient(const float *stamps, const float *gradient, float *found, int batch) {
    constexpr int PLACES = 5;
    for (int stamp = 0; stamp < batch; stamp++)
        for (int row = 0; row < KERNEL; row++)
            for (int place = 0; place < ROW; place += PLACES)
                for (int channel = 0; channel < OUT; channel += 16) {
                    eight sums[PLACES][2] = {};
                    for (int y = 0; y < OUT_SIDE; y++)
                        for (int x = 0; x < OUT_SIDE; x++) {
                            const float *values =
                                stamps + ((stamp * SIDE + y + row) * SIDE + x) * CHANNELS + place;
                            const float *own =
                                gradient + ((stamp * OUT_SIDE + y) * OUT_SIDE + x) * OUT + channel;
                            const eight first = load(own), second = load(own + 8);
                            for (int each = 0; each < PLACES; each++) {
                                sums[each][0] += values[each] * first;
                                sums[each][1] += values[each] * second;
                            }
                        }
                    for (int each = 0; each < PLACES; each++) {
                        float *to = found + (row * ROW + place + each) * OUT + channel;
                        *(eight *)to += sums[each][0];
                        *(eight *)(to + 8) += sums[each][1];
                    }
                }
}
