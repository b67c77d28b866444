# Commands and workflow with the pinned versions: `docker build --tag stampshift .`; `--build-arg TORCH=gpu` for NVIDIA GPUs.
# stampshift.def makes the same image for Apptainer.
FROM python:3.11.14-slim-trixie
ARG TORCH=cpu
WORKDIR /opt/stampshift
COPY envs envs
RUN pip install --no-cache-dir --require-hashes --extra-index-url https://download.pytorch.org/whl/cpu \
    --requirement "envs/${TORCH}.txt" --requirement envs/requirements.txt --requirement envs/slurm.txt
COPY pyproject.toml README.md LICENSE ./
COPY workflow workflow
RUN pip install --no-cache-dir --no-deps --no-build-isolation .
# caches of whoever runs it, who may have no home in here
ENV XDG_CACHE_HOME=/tmp/cache MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /work
CMD ["stampshift", "--help"]
